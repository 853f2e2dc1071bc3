"""Descriptions of features: evidence from a corpus, labels, scores, files, search, commands."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[1]


def test_evidence_is_what_the_model_does(gathered_tiny):
    subject, evidence = gathered_tiny
    firing = evidence.firing(2)
    window = 5
    seen = []
    handle = subject.blocks[2].mlp.down_proj.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    with torch.no_grad():
        subject.model(torch.from_numpy(evidence.windows.ids[window : window + 1]).long())
    handle.remove()
    acts = seen[0][0].float().numpy()  # pos neuron
    for feature in (0, 1, 40, 77):
        token, value = firing.of(feature)
        assert (np.diff(value) <= 0).all()
        signed = acts[:, feature // 2] * (1 if feature % 2 == 0 else -1)
        limit = evidence.thresholds[2, feature]
        expected = {p for p in range(1, 128) if signed[p] > limit * 1.01}
        found = {int(t) % 128: v for t, v in zip(token, value, strict=True) if t // 128 == window}
        assert expected <= set(found)
        for position, v in found.items():
            assert v == pytest.approx(signed[position], rel=0.01)


def test_a_planted_feature_gets_its_label_and_a_shuffled_one_does_not(gathered_tiny):
    from tracer.autointerp.activation_evidence import Firing
    from tracer.autointerp.label_selection import Output, find_labels
    from tracer.autointerp.label_words import Classes
    from tracer.autointerp.max_activations import Part, Tokens, pick_peaks
    from tracer.autointerp.simulator import Reader

    subject, evidence = gathered_tiny
    tokens = Tokens.of(evidence.windows, evidence.run)
    kind_of = {int(i): n for n, i in enumerate(tokens.types)}
    seven, eight = (tokens.view["token"] == kind_of[i] for i in (7, 8))
    dice = np.random.default_rng(1)
    everywhere = np.flatnonzero(tokens.part >= 0)
    planted = [
        np.flatnonzero(seven & (tokens.part >= 0)),  # fires on w7
        np.flatnonzero((tokens.view["next"] == kind_of[9]) & (tokens.part >= 0)),  # on what stands before w9
        *(
            np.sort(dice.choice(everywhere, 1500, replace=False)) for _ in range(4)
        ),  # on nothing in particular
    ]
    first = np.cumsum([0, *map(len, planted)])
    firing = Firing(first, np.concatenate(planted).astype(np.int32), np.ones(first[-1], np.float32))
    reader = Reader.of(subject, tokens, [pick_peaks(firing, tokens, Part.FIT, 100)[0]])
    classes = Classes(tokens, [np.zeros(len(tokens.types), bool)], [])
    raised = Output(np.full((6, 5), 3, np.int32), lambda claims: (np.zeros(len(claims), np.float32),) * 3)
    hard = np.tile(np.flatnonzero(eight & (tokens.part >= 0))[:12], (6, 5)).reshape(6, 60)
    found = find_labels(firing, tokens, reader, classes, hard, raised)
    assert found.kind[:2].tolist() == ["token", "say"]
    assert found.words.ids["token"][0].tolist() == [7, *[-1] * 5]
    assert found.words.ids["next"][1, 0] == 9
    assert (found.stands[:2] == 1).all()
    assert (found.random[:2] > 0.97).all()
    assert (found.hard[:2] > 0.97).all()
    assert set(found.kind[2:]) == {"unlabelled"}  # chance is not a label
    assert abs(float(np.nanmean(found.table[2:])) - 0.5) < 0.1


def test_a_reader_knows_what_is_named_and_what_the_model_treats_alike(gathered_tiny):
    from tracer.autointerp.max_activations import Tokens
    from tracer.autointerp.simulator import Reader

    subject, evidence = gathered_tiny
    tokens = Tokens.of(evidence.windows, evidence.run)
    usable = tokens.part >= 0
    at = {i: np.flatnonzero((tokens.view["token"] == n) & usable)[:40] for n, i in enumerate(tokens.types)}
    pairs = [
        np.concatenate([at[2 * i + 1], at[2 * i + 2]])[None] for i in range(40)
    ]  # w1 with w2, w3 with w4
    reader = Reader.of(subject, tokens, pairs)
    near = reader.near(np.array([[1, 2, 3, 5]], np.int32), np.array([[1, -1]], np.int32))[0]
    assert near[0] == 1
    assert near[1] > 0.9
    assert (near[2:] < 0.5).all()
    assert (reader.near(np.array([[1]], np.int32), np.array([[-1]], np.int32)) == -1).all()


def test_amplifying_a_feature_raises_what_its_direction_promotes(embedded_subject):
    from tracer.autointerp.feature_sets import NeuronSet
    from tracer.autointerp.pipeline import promoted
    from tracer.autointerp.steering_score import Amplifier
    from tracer.autointerp.write_directions import Lens, output_rows

    subject, layer, features, neurons = embedded_subject, 16, 24, NeuronSet(embedded_subject)
    rows = output_rows(subject, torch.arange(2000, 10_000))
    near = neurons.written(layer)[: features // 2] @ rows.T
    up, down = (near.topk(4, largest=most).indices.numpy().astype(np.int32) + 2000 for most in (True, False))
    one = Lens(up[None], down[None])
    claims, _ = promoted(one, 0, range(features // 2))
    ids = np.array(
        [subject.encode("The house stands near the old river, and every year " * 4, 512).tolist()], np.int32
    )
    peak = np.full(features, 6.0, np.float32)
    before = {name: tensor.clone() for name, tensor in list(subject.model.named_parameters())[:3]}
    own, shuffled = Amplifier(neurons, ids).raised(layer, peak, claims)
    assert own.mean() > 0.95
    assert 0.3 < shuffled.mean() < 0.7
    assert all(torch.equal(before[name], dict(subject.model.named_parameters())[name]) for name in before)
    nothing, _ = Amplifier(neurons, ids).raised(layer, peak, np.full_like(claims, -1))
    assert np.isnan(nothing).all()


def test_auroc_is_the_chance_of_a_win():
    from tracer.autointerp.max_activations import auroc

    dice = np.random.default_rng(2)
    up, down = (
        dice.integers(0, 6, (3, 20)).astype(np.float32),
        dice.integers(0, 6, (3, 15)).astype(np.float32),
    )
    up[0, 3] = np.nan
    wins = [
        np.mean([(u > d) + 0.5 * (u == d) for u in row if not np.isnan(u) for d in other])
        for row, other in zip(up, down, strict=True)
    ]
    assert auroc(up, down) == pytest.approx(wins)
    assert np.isnan(auroc(np.full((1, 4), np.nan, np.float32), down[:1]))[0]


def test_personal_data_is_scrubbed_and_bad_corpora_are_one_sentence(tmp_path):
    from tracer.autointerp.windows import corpus_texts, scrub
    from tracer.errors import TextError

    assert (
        scrub("write to ann.lee@example.org or +44 20 7946 0958 now")
        == "write to [e-mail] or [telephone] now"
    )
    assert scrub("in 1999-2004 the 1,234,567 people") == "in 1999-2004 the 1,234,567 people"
    (tmp_path / "bad.jsonl").write_text('{"text": "fine"}\n{"words": 1}\n')
    for path in (tmp_path / "nothing", tmp_path / "bad.jsonl"):
        with pytest.raises(TextError, match=r"\.$"):
            list(corpus_texts([path]))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"kind": "token", "token": [" cat"]}, "the token “cat”"),
        ({"kind": "say", "following": [" sat"], "raises": True}, "say “sat”"),
        ({"kind": "say", "following": [" sat"]}, "before “sat”"),
        ({"kind": "tokens", "token": [" cat", " dog"]}, "“cat”, “dog”"),
        (
            {"kind": "context", "token": [" cat"], "following": [" sat"], "before": [" the"]},
            "“cat”, before “sat”, after “the”",
        ),
        ({"kind": "class", "classes": [("next", "digits")]}, "before digits"),
        ({"kind": "class", "classes": [("text", "French text")]}, "French text"),
        (
            {"kind": "context", "token": ["x"], "classes": [("token", "digits"), ("text", "program code")]},
            "digits or “x”, in program code",
        ),
        ({"kind": "theme", "promotes": [" sat", " sit"]}, "promotes “sat”, “sit”"),
        ({"kind": "position"}, "the beginning of a text"),
        ({"kind": "unlabelled"}, "unlabelled"),
    ],
)
def test_labels_say_what_the_evidence_says(told, words):
    from agent.features.label_text import LabelEvidence, write_label

    assert write_label(LabelEvidence(**told)) == words


def test_damaged_files_and_other_formats_are_one_sentence(tmp_path):
    import gzip

    from safetensors.numpy import save

    from tracer.autointerp.feature_files import LABELS, read_features, write_features
    from tracer.errors import GraphError

    about = {"layers": 1, "neurons": 1}
    write_features(tmp_path / "good", about, ["one", "two"], {}, {})
    assert read_features(tmp_path / "good").labels == ["one", "two"]
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T  # lies in memory the other way round
    write_features(tmp_path / "turned", about, ["one", "two"], {"turned": turned}, {})
    assert (read_features(tmp_path / "turned").arrays["turned"] == turned).all()
    write_features(tmp_path / "short", about, ["one"], {}, {})
    (tmp_path / "odd").mkdir()
    other = {"about": np.frombuffer(b'{"format": 99}', np.uint8), "text": np.zeros(1, np.uint8)}
    (tmp_path / "odd" / LABELS).write_bytes(gzip.compress(save(other)))
    (tmp_path / "torn").mkdir()
    whole = (tmp_path / "good" / LABELS).read_bytes()
    (tmp_path / "torn" / LABELS).write_bytes(whole[: len(whole) // 2])
    for name in ("short", "odd", "torn", "absent"):
        with pytest.raises(GraphError, match=r"\.$"):
            read_features(tmp_path / name)


def test_the_shipped_descriptions_are_whole_small_and_quick():
    from tracer.autointerp.feature_files import read_features, shipped_features

    folder = shipped_features("gemma-3-270m")
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40e6
    start = time.perf_counter()
    files = read_features(folder)
    assert time.perf_counter() - start < 10  # 0.1 s on a quiet machine
    assert len(files.labels) == 2 * 18 * 2048
    assert files.arrays["up"].shape == (18 * 2048, 8)
    summary = files.about["summary"]
    assert summary["random"] >= 0.88
    assert min(files.about["parts"].values()) > 90_000
    assert summary["hard"] >= 0.72
    assert summary["shuffled"] < summary["hard"] - 0.15
    sources = (ROOT / "tracer" / "data" / "SOURCES.md").read_text()
    assert "factbook" in sources
    assert not any("@" in label and ".org" in label for label in files.labels)


SEARCH = """
import sys
from pathlib import Path
from agent.core.settings import Settings
from agent.features import search_features
found = search_features(Settings(data_dir=Path(sys.argv[1])), "January, February, March", 5, range(0, 18))
assert "torch" not in sys.modules  # its import alone takes seconds
print(*[hit["label"] for hit in found], sep="\\n")
"""


def test_two_processes_search_the_shipped_index_at_once(tmp_path):
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", SEARCH, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=240)[0].splitlines() for process in asked]
    assert [process.returncode for process in asked] == [0, 0]
    assert told[0] == told[1]
    assert len(told[0]) == 5
    assert any(month in " ".join(told[0]).casefold() for month in ("january", "march", "month", "august"))


def test_the_commands_refuse_in_one_sentence(monkeypatch, tmp_path, capsys):
    from ui.commands.cli import run_command

    monkeypatch.setenv("ASKCIRCUIT_DATA_DIR", str(tmp_path))
    for words, reason in (
        (["features", "show", "L99.N1+"], "no neuron L99.N1"),
        (["features", "show", "capital"], "not the name of a feature"),
        (["features", "search", "x", "--layer", "a-b"], "--layer cannot be 'a-b'"),
        (["features", "describe", "--corpus", str(tmp_path / "no")], "no file or folder"),
    ):
        monkeypatch.setattr(sys, "argv", ["askcircuit", *words])
        assert run_command() == 2
        assert reason in capsys.readouterr().err


def test_a_feature_is_shown_with_its_evidence(monkeypatch, tmp_path, capsys):
    from ui.commands.cli import run_command

    monkeypatch.setenv("ASKCIRCUIT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["askcircuit", "features", "show", "L9.N1546-"])
    assert run_command() == 0
    told = capsys.readouterr().out
    assert told.startswith("L9.N1546-")
    assert "⟦ and⟧" in told
    for part in ("held-out AUROC", "promotes", "suppresses", "near 0."):
        assert part in told


@pytest.mark.slow
def test_the_recipe_has_the_model_write_a_part_of_its_corpus(embedded_subject, tmp_path):
    from tracer.autointerp.corpus.sample import write_sampled
    from tracer.autointerp.windows import corpus_texts

    size = write_sampled(tmp_path, embedded_subject, 200)
    texts = list(corpus_texts([tmp_path / "self.jsonl"]))
    assert size == sum(len(document.text) for document in texts) > 200
    assert {document.source for document in texts} == {"self"}
    assert write_sampled(tmp_path) == size  # what is there is not written again


def test_a_dataset_that_cannot_be_fetched_is_one_sentence():
    from tracer.autointerp.windows import corpus_texts
    from tracer.errors import TextError

    with pytest.raises(TextError, match=r"no dataset of that name could be fetched .* folder of texts\.$"):
        list(corpus_texts([Path("some-people/some-texts")]))
