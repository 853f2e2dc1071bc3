"""The feature library: search by meaning, what survives a restart, a crash, damage, a neighbour."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tolerance import assert_close, written

from agent.core.errors import LibraryError
from agent.core.sentence_encoder import Encoder
from agent.features.label_log import MAX_CONTEXTS, LabelLog
from agent.features.label_store import Description, Library

ROOT = Path(__file__).parents[1]
LABELS = [
    'says "Austin", "Dallas", "Houston"',
    'says "Paris", "London", "Madrid", "Rome"',
    'says "yen", "dollar", "rupee", "euro"',
    'says "basketball", "football", "golf"',
    'says "Monday", "Tuesday", "Thursday"',
    "fires on closing brackets of code",
    "fires on the word whose",
    'says "oxygen", "carbon", "hydrogen"',
    "fires on names of states: Texas, Colorado, Illinois",
    'says "one", "two", "three"',
]


def described(number, label=None, **changes):
    label = label or LABELS[number % len(LABELS)]
    known = {
        "id": f"gemma/L{number % 18}.N{number}+",
        "model": "gemma",
        "layer": number % 18,
        "feature": number,
        "sign": "+",
        "label": label,
        "source": "tokens",
        "promotes": (),
        "fires_on": (),
    }
    return Description(**{**known, **changes})


TEN = [described(number) for number in range(10)]


@pytest.fixture(scope="module")
def encoder():
    return Encoder.open()


@pytest.fixture
def folder(tmp_path):
    """A library of ten, closed again."""
    with Library.open(tmp_path / "features") as library:
        library.put(TEN)
    return tmp_path / "features"


def labels_found(folder, query, **how):
    with Library.open(folder) as library:
        return [hit.label for hit in library.search(query, **how)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("money and currencies", 2),
        ("European capital cities", 1),
        ("sports", 3),
        ("days of the week", 4),
        ("programming", 5),
        ("chemical elements", 7),
        ("counting numbers", 9),
    ],
)
def test_search_is_by_meaning(folder, query, expected):
    assert labels_found(folder, query, k=1) == [LABELS[expected]]


def test_search_agrees_with_brute_force(folder, encoder):
    with Library.open(folder) as library:
        hits = library.search("cities in Texas", k=10)
    cosines = encoder.encode([row.sentence for row in TEN]) @ encoder.encode(["cities in Texas"])[0]
    best = np.argsort(-cosines)
    assert [hit.feature for hit in hits] == list(best)
    assert [hit.similarity for hit in hits] == written(list(cosines[best]), 4)


def test_search_keeps_to_a_model_and_layers(folder):
    with Library.open(folder) as library:
        library.put([described(3, id="other/L3.N3+", model="other")])
        assert {hit.model for hit in library.search("sports", k=50)} == {"gemma", "other"}
        assert [hit.id for hit in library.search("sports", model="other")] == ["other/L3.N3+"]
        assert {hit.layer for hit in library.search("sports", layers=range(2, 5))} == {2, 3, 4}
        some = library.search("sports", model="gemma", layers=[3, 4])
        assert [hit.id for hit in some] == ["gemma/L3.N3+", "gemma/L4.N4+"]
        assert library.search("sports", model="nobody") == []


def test_what_was_put_is_there_after_a_restart(folder):
    with Library.open(folder) as library:
        assert len(library) == 10
        assert library.get([row.id for row in TEN] + ["nobody/L0.N0+"]) == {r.id: r for r in TEN}
        assert library.note == ""


def test_contexts_are_merged_first_seen_first(folder):
    with Library.open(folder) as library:
        library.put([described(0, fires_on=("b", "a")), described(0, fires_on=("c", "a"))])
        assert library.get([TEN[0].id])[TEN[0].id].fires_on == ("b", "a", "c")
    with Library.open(folder) as library:
        library.put([described(0, fires_on=tuple("xyzuvw"))])
        merged = library.get([TEN[0].id])[TEN[0].id].fires_on
    assert merged == ("b", "a", "c", "x", "y", "z", "u", "v")
    assert len(merged) == MAX_CONTEXTS


def test_a_new_label_is_found_and_the_old_one_is_not(folder):
    with Library.open(folder) as library:
        library.put([described(2, "fires on kinds of weather: rain, snow")])
        assert library.search("rainfall", k=1)[0].feature == 2
        assert library.search("money and currencies", k=1)[0].feature != 2


def test_what_is_known_is_not_embedded_again(folder):
    """Neither torch nor chromadb is even imported when nothing new comes in."""
    script = f"""
import sys
from pathlib import Path
from agent.features.label_store import Library
with Library.open(Path({str(folder)!r})) as library:
    library.put(library.get({[row.id for row in TEN]!r}).values())
print(sorted({{"torch", "chromadb", "transformers"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


HOLDER = """
import sys
from pathlib import Path
from agent.features.label_store import Library
library = Library.open(Path(sys.argv[1]))
print(library.note or "mine", flush=True)
sys.stdin.readline()
library.close()
"""


def test_a_second_process_works_in_memory_and_says_so(folder):
    before = (folder / "features.jsonl").read_bytes()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "mine\n"
        with Library.open(folder) as library:
            assert "Another askcircuit process" in library.note
            assert "in memory only" in library.note
            library.put([described(77, "fires on kinds of weather")])
            assert library.search("rainfall", k=1)[0].feature == 77
            assert library.search("days of the week", k=1)[0].feature == 4
        holder.communicate("\n")
    assert (folder / "features.jsonl").read_bytes() == before
    with Library.open(folder) as library:
        assert library.note == ""


def test_two_libraries_in_one_process_do_not_meet(folder):
    with Library.open(folder) as first, Library.open(folder) as second:
        second.put([described(77, "fires on kinds of weather")])
        assert (first.note, len(first), len(second)) == ("", 10, 11)
        assert first.search("rainfall", k=1)[0].feature != 77
        assert "Another askcircuit process" in second.note


def test_a_folder_that_cannot_be_made_gives_a_library_in_memory(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with Library.open(tmp_path / "file" / "features") as library:
        assert "cannot be written (Not a directory)" in library.note
        library.put(TEN)
        assert library.search("sports", k=1)[0].feature == 3


def test_a_disk_that_fills_up_loses_only_what_comes_after(folder):
    with Library.open(folder) as library:
        (folder / "features.jsonl").unlink()
        (folder / "features.jsonl").mkdir()  # from now on each write fails
        library.put([described(77, "fires on kinds of weather")])
        assert "in memory only" in library.note
        assert library.search("rainfall", k=1)[0].feature == 77
        assert library.search("sports", k=1)[0].feature == 3


def damage_database(folder):
    database = next(folder.glob("index-*/chroma.sqlite3"))
    database.write_bytes(b"garbage" * 1000)


def damage_vectors(folder):
    for path in folder.glob("index-*/*-*/*"):
        path.write_bytes(b"xx")


def lose_index(folder):
    shutil.rmtree(next(folder.glob("index-*")))


def lose_marker(folder):
    (folder / "library.json").unlink()


def spoil_marker(folder):
    (folder / "library.json").write_text('{"format": 1, "index": "../../etc"}')


def age_marker(folder):
    marker = json.loads((folder / "library.json").read_text())
    (folder / "library.json").write_text(json.dumps({**marker, "chroma": "0.3.1"}))


def die_at_work(folder):
    """As after a crash inside Chroma, which damaged vectors can cause."""
    (folder / "working").touch()
    damage_vectors(folder)


def lose_rows_of_index(folder):
    """As after a crash in a rebuild."""
    with Library.open(folder) as library:
        library._on_index(lambda index: index.drop({row.id for row in TEN[:9]}))


DAMAGE = [damage_database, lose_index, lose_marker, spoil_marker, age_marker, die_at_work]
DAMAGE += [lose_rows_of_index]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_is_made_again(folder, damage):
    damage(folder)
    with Library.open(folder) as library:
        assert library.search("days of the week", k=1)[0].feature == 4
        assert len(library.search("days of the week", k=10)) == 10
        assert library.note == ""
    assert len(list(folder.glob("index-*"))) == 1
    assert not (folder / "working").exists()
    assert labels_found(folder, "sports", k=1) == [LABELS[3]]


@pytest.mark.parametrize("first", ["search", pytest.param("put", marks=pytest.mark.slow)])
def test_damaged_vectors_are_noticed_at_first_use(tmp_path, first):
    with Library.open(tmp_path) as library:  # Chroma writes vectors by the thousand
        library.put([described(n, f"says {n}") for n in range(1001)])
    damage_vectors(tmp_path)
    with Library.open(tmp_path) as library:
        if first == "put":
            library.put([described(5000, "fires on kinds of weather")])
        assert library.search("says 7", k=1)[0].similarity > 0.99
        assert library.note == ""


def test_a_torn_last_line_costs_that_line_only(folder):
    with (folder / "features.jsonl").open("ab") as file:
        file.write(b'{"id": "gemma/L1.N1')
    with Library.open(folder) as library:
        assert len(library) == 10
        library.put([described(77, "fires on kinds of weather")])
    assert LABELS[3] in labels_found(folder, "sports", k=1)
    with Library.open(folder) as library:
        assert len(library) == 11


def test_lines_that_make_no_sense_are_skipped(folder):
    with (folder / "features.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n[]\nnull\n{}\n{"id": 3}\n' + b"9" * 5000 + b"\n\n")
    with Library.open(folder) as library:
        assert len(library) == 10


def test_rows_that_only_the_index_has_are_dropped_from_it(folder):
    """As after a crash between writing the index and writing the file."""
    lines = (folder / "features.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "features.jsonl").write_bytes(b"".join(lines[:5]))
    assert len(labels_found(folder, "sports", k=10)) == 5


def test_superseded_lines_are_dropped_in_time(tmp_path):
    records = LabelLog(tmp_path / "features.jsonl")
    for number in range(500):
        records.append(described(n, fires_on=(str(number),)) for n in range(5))
    rows = records.read()
    records.tidy(rows)
    assert len((tmp_path / "features.jsonl").read_bytes().splitlines()) == 5
    assert LabelLog(tmp_path / "features.jsonl").read() == rows
    assert rows[TEN[0].id].fires_on == ("499",)


@pytest.mark.parametrize(
    "token", ["\ud800", "\0\x1b[2J", "\N{RIGHT-TO-LEFT OVERRIDE}שלום", "🙈🙉", "x" * 9000, "\n"]
)
def test_any_token_may_stand_in_a_label(tmp_path, token):
    odd = described(1, f"says {token!s}.", promotes=(token,), fires_on=(token,))
    with Library.open(tmp_path) as library:
        library.put([odd])
    with Library.open(tmp_path) as library:
        assert library.get([odd.id]) == {odd.id: odd}
        assert library.search(token + "?")[0].label == odd.label


def test_bad_requests_are_refused_in_a_sentence(tmp_path):
    with Library.open(tmp_path) as library:
        assert library.search("anything") == []
        with pytest.raises(LibraryError, match="Say what the features should be about"):
            library.search(" \n")
        with pytest.raises(LibraryError, match="at least 1, not 0"):
            library.search("sports", k=0)
    with pytest.raises(LibraryError, match="needs an id, a label"):
        described(1, " ")
    with pytest.raises(LibraryError, match="sign"):
        described(1, sign="?")
    with pytest.raises(LibraryError, match="cannot be read; reinstall"):
        Encoder.open(tmp_path)


def test_vectors_are_those_of_the_original_encoder(encoder):
    """Against transformers' own loading, in float32, one sentence at a time."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from agent.core.sentence_encoder import _find_packaged

    tokenizer = AutoTokenizer.from_pretrained(_find_packaged(), local_files_only=True)
    model = AutoModel.from_pretrained(_find_packaged(), local_files_only=True).eval()
    for sentence, ours in zip(LABELS, encoder.encode(LABELS), strict=True):
        with torch.inference_mode():
            states = model(**tokenizer(sentence, return_tensors="pt")).last_hidden_state[0]
        theirs = torch.nn.functional.normalize(states.mean(0), dim=0).numpy()
        assert_close(ours, theirs)


def test_vectors_are_the_same_without_torch(encoder, monkeypatch):
    with_torch = encoder.encode(LABELS)
    monkeypatch.delitem(sys.modules, "torch")
    assert_close(encoder.encode(LABELS), with_torch)


def test_a_vector_does_not_depend_on_its_batch(encoder):
    many = [f"{label} {'x' * (n % 9)}" for n in range(4) for label in LABELS]
    alone = np.concatenate([encoder.encode([sentence]) for sentence in many[:40]])
    assert_close(alone, encoder.encode(many)[:40])
    assert encoder.encode([]).shape == (0, 384)
