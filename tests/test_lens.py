"""The concept lens: exact against autograd, parts merge, files go round, foreign ones refused."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests_support import FAMILIES, tiny_subject

from agent.workspace.lenses import LensShelf
from tests.planted import circuits
from tracer import TextError, load, shipped_prose
from tracer.attribution.frozen_forward import freeze
from tracer.autointerp.windows import Document
from tracer.lens import (
    LensError,
    check_fits,
    concept_direction,
    directions,
    families,
    fit_lens,
    lens_for,
    lens_logits,
    merged,
    nearness,
    quick_fit,
    quick_lens,
    rank_token,
    read,
    read_lens,
    stands_out,
    streams,
    write_lens,
    write_public,
)
from tracer.lens.exact import counted_positions, text_jacobian
from tracer.lens.fit import texts_of
from tracer.lens.local import LocalMeans, local_jacobian

LENGTH = 24


def words(seed, length=LENGTH):
    return torch.randint(0, 97, (length,), generator=torch.Generator().manual_seed(seed))


def documents(count=8):
    return [
        Document(" ".join(f"w{int(i)}" for i in words(seed, 60)), f"source {seed % 2}")
        for seed in range(count)
    ]


@pytest.fixture
def short(monkeypatch):
    """Texts of 60 tokens: a tiny model sees no more than 64."""
    monkeypatch.setattr("tracer.lens.fit.LENGTH", 60)


def whole_jacobian(subject, ids, positions):
    """d h_final / d h_l by autograd through the whole model, one output dimension and position at a time."""
    outputs = []

    def keep(_module, _args, out):
        stream = out[0] if isinstance(out, tuple) else out
        outputs.append(stream.requires_grad_(True) if not outputs else stream)

    handles = [block.register_forward_hook(keep) for block in subject.blocks]
    try:
        with torch.enable_grad():
            subject.model(ids[None], use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    d_model = subject.shape.d_model
    total = torch.zeros(subject.layers - 1, d_model, d_model, dtype=outputs[0].dtype)
    for row in range(d_model):
        for target in positions.tolist():
            grads = torch.autograd.grad(outputs[-1][0, target, row], outputs[:-1], retain_graph=True)
            for layer, grad in enumerate(grads):
                total[layer, row] += grad[0, positions].sum(0) / len(positions)
    return total


@pytest.mark.parametrize("family", FAMILIES)
def test_the_lens_of_a_text_is_the_jacobian_autograd_gives(tiny, family):
    subject = tiny_subject(tiny, family)
    ids, positions = words(1), counted_positions(LENGTH, skipped=[18])
    assert positions.tolist() == [16, 17, 19, 20, 21, 22]
    rows = torch.eye(subject.shape.d_model, dtype=subject.unembedding.dtype)
    mine = text_jacobian(subject, ids, rows, positions, at_once=7)
    theirs = whole_jacobian(subject, ids, positions)
    assert mine.shape == theirs.shape
    assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-5)  # their norms compute in float32


@pytest.mark.parametrize("family", ["gemma3", "llama", "gpt2", "gpt_neox", "starcoder2"])
def test_block_means_are_exact_where_norms_and_attention_are_frozen_and_one_position_counts(tiny, family):
    """With one text and one position nothing varies, so the mean block is the block, its norms kept still."""
    subject = tiny_subject(tiny, family)
    frozen = freeze(subject, words(2))
    position = torch.tensor([LENGTH - 1])
    means = LocalMeans.of(subject)
    means.add(frozen, position)
    dtype = frozen.embedded.dtype
    rows = torch.randn(3, subject.shape.d_model, dtype=dtype, generator=torch.Generator().manual_seed(0))
    found = local_jacobian(subject, means, rows)

    felt = rows
    for index in range(subject.layers - 1, 0, -1):
        layer = frozen.layers[index]

        def through(stream, layer=layer):
            at = torch.zeros(LENGTH, subject.shape.d_model, dtype=dtype)
            at = at.index_put((position,), stream[None])
            moved = layer.push_attention(at[None])[0][position[0]]
            read = stream if layer.parallel else stream + moved
            base = layer.mlp_stream[position[0]]
            fed = layer.mlp_stream.index_put((position,), (base + read)[None])
            neurons = layer.live_neurons(fed[None])
            written = layer.push_write(neurons)[0][position[0]]
            return stream + moved + written

        jacobian = torch.autograd.functional.jacobian(
            through, torch.zeros(subject.shape.d_model, dtype=dtype)
        )
        felt = felt @ jacobian
        assert torch.allclose(found[index - 1], felt, rtol=1e-6, atol=1e-9)


def test_parts_merge_to_the_fit_of_all_texts_and_a_stopped_fit_goes_on(tiny, short, tmp_path):
    subject = tiny_subject(tiny, "gemma3")
    whole = fit_lens(subject, documents(), tokens=4 * 60)
    assert whole.about.texts == 4
    assert whole.about.tokens == 4 * (60 - 1 - 16)
    assert whole.about.agreement is not None

    def stop(_done, note):
        if note.startswith("text 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_lens(subject, documents(), tokens=4 * 60, work=tmp_path, progress=stop)
    seen = []
    resumed = fit_lens(
        subject, documents(), tokens=4 * 60, work=tmp_path, progress=lambda _done, note: seen.append(note)
    )
    assert seen[0] == "text 3 of 4"
    assert torch.allclose(resumed.matrix(0), whole.matrix(0), atol=1e-6)
    with pytest.raises(LensError, match="another model"):
        fit_lens(tiny_subject(tiny, "llama"), documents(), tokens=4 * 60, work=tmp_path)

    first = fit_lens(subject, documents(), tokens=2 * 60)
    parts = [first, replace(whole, about=replace(whole.about, texts=6))]
    both = merged(parts)
    expected = (2 * first.matrix(1) + 6 * whole.matrix(1)) / 8
    assert both.about.texts == 8
    assert torch.allclose(both.matrix(1), expected, atol=1e-6)


def test_files_go_round_and_say_what_is_wrong(tiny, short, tmp_path):
    subject = tiny_subject(tiny, "llama")
    lens = quick_fit(subject, documents(), texts=4, corpus="words")
    write_lens(tmp_path / "a.safetensors", lens)
    write_lens(tmp_path / "b.safetensors", lens, packed=True)
    write_public(tmp_path / "c.pt", lens)
    for name, off in (("a.safetensors", 1e-3), ("b.safetensors", 1e-2), ("c.pt", 1e-3)):
        back = read_lens(tmp_path / name)
        assert back.about == lens.about
        assert back.layers == lens.layers
        for layer in lens.layers:
            size = float(lens.matrix(layer).abs().max())
            assert torch.allclose(back.matrix(layer), lens.matrix(layer), atol=off * size)
        check_fits(back, subject)
    assert read_lens(tmp_path / "b.safetensors").background is not None

    torch.save(
        {"J": {0: torch.eye(8), 1: torch.eye(8)}, "n_prompts": 3, "source_layers": [0, 1], "d_model": 8},
        tmp_path / "theirs.pt",
    )
    theirs = read_lens(tmp_path / "theirs.pt")
    assert (theirs.about.texts, theirs.about.n_layers, theirs.layers) == (3, 3, (0, 1, 2))
    with pytest.raises(LensError, match="has 8 numbers a position; tiny-llama has"):
        check_fits(theirs, subject)
    with pytest.raises(LensError, match="no layer 7"):
        theirs.matrix(7)
    with pytest.raises(LensError, match="cannot be merged"):
        merged([theirs, lens])
    torch.save({"weights": torch.eye(2)}, tmp_path / "other.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    for name, said in (("other.pt", "no lens"), ("junk.pt", "damaged"), ("junk.safetensors", "damaged")):
        with pytest.raises(LensError, match=said):
            read_lens(tmp_path / name)
    for name in ("neuronpedia/jacobian-lens/a/jlens/b.pt", "missing.pt"):
        with pytest.raises(LensError, match="neither a file here nor in this machine's"):
            read_lens(name)


def test_the_last_layer_reads_what_the_model_says(tiny, short):
    for family in ("gemma2 capped", "gpt2", "gpt_neox"):
        subject = tiny_subject(tiny, family)
        lens = quick_fit(subject, documents(), texts=2)
        frozen = freeze(subject, words(3))
        stream = streams(frozen)
        said = lens_logits(lens, subject, lens.last, stream[-1, -1:])[0]
        assert torch.allclose(said, frozen.logits.float(), atol=1e-5)
        found = read(lens, subject, stream, layers=[0, lens.last], positions=[5, LENGTH - 1], k=4, plain=True)
        assert found.tokens.shape == (2, 2, 4)
        assert found.tokens[1, 1].tolist() == frozen.logits.topk(4).indices.tolist()
        third = int(found.tokens[0, 1, 2])
        assert int(rank_token(lens, subject, stream[:, -1], third).rank[0]) == 2
        every = lens_logits(lens, subject, 0, stream[0, -1])
        assert torch.allclose(lens_logits(lens, subject, 0, stream[0, -1], [third]), every[third], atol=1e-5)
        near = read(lens, subject, stream, layers=[0], positions=[5], k=3)
        cosine = nearness(lens, subject, 0, stream[0, 5:6]).topk(3)
        assert near.tokens[0, 0].tolist() == cosine.indices[0].tolist()
        assert float(cosine.values.abs().max()) <= 1 + 1e-5
        again = stands_out(lens, subject, 0, stream[0, [5, LENGTH - 1]], found.tokens[0])
        assert torch.allclose(again, found.score[0], atol=1e-4)


def test_a_direction_is_the_gradient_of_what_the_lens_reads_before_the_norm_scales_it(tiny, short):
    subject = tiny_subject(tiny, "llama")
    lens = quick_fit(subject, documents(), texts=2)
    stream = streams(freeze(subject, words(4)))[0, 3].float()
    own = directions(lens, subject, 0, [5, 9])
    moved = lens.transport(0, stream)
    scale = float((moved.pow(2).mean() + subject.model.model.norm.variance_epsilon).rsqrt())
    said = lens_logits(lens, subject, 0, stream)
    assert torch.allclose(own @ stream * scale, said[[5, 9]], atol=1e-4)
    concept = families(subject, [5, 9])[0]
    assert torch.allclose(concept_direction(lens, subject, 0, concept), own[0], atol=1e-5)


def test_a_quick_lens_is_fitted_once_and_kept(tiny, short, tmp_path):
    subject = tiny_subject(tiny, "qwen2")
    assert lens_for(subject, tmp_path) is None
    lens = quick_lens(subject, documents(), tmp_path, texts=3)
    kept = lens_for(subject, tmp_path)
    assert kept is not None
    assert kept.about == lens.about
    assert lens_for(tiny_subject(tiny, "qwen3"), tmp_path) is None


def test_who_asks_once_waits_for_the_lens_and_sees_how_far_it_is(tiny: Any, tmp_path: Path) -> None:
    shelf, seen = LensShelf(tiny_subject(tiny, "llama"), tmp_path), []
    lens = shelf.wait(seen.append)
    assert lens is not None
    assert lens is shelf.lens()
    assert seen == sorted(seen)
    assert LensShelf(tiny_subject(tiny, "llama"), tmp_path).wait(pytest.fail) is not None  # kept: no fit


def test_a_model_without_a_lens_gets_one_from_passages_that_are_shipped(tiny: Any, tmp_path: Path) -> None:
    subject = tiny_subject(tiny, "llama")
    shelf = LensShelf(subject, tmp_path)
    assert shelf.lens() is None
    assert "being fitted" in shelf.note
    deadline = time.monotonic() + 120
    while (lens := shelf.lens()) is None and time.monotonic() < deadline:
        assert "cannot be read on this model" not in shelf.note
        time.sleep(0.1)
    assert lens is not None
    assert lens.about.texts >= 32
    assert shelf.note == ""


def test_a_model_that_reads_only_a_few_tokens_at_once_gets_no_lens_and_a_sentence(tmp_path: Path) -> None:
    planted = circuits.lookup(tmp_path / "model", "gpt2")  # of 16 positions
    with pytest.raises(TextError, match="It reads 16 tokens at once"):
        texts_of(load(str(planted.folder), cache=tmp_path), shipped_prose(), 2)
