"""The index of descriptions: metadata and filters, a real Chroma server, many readers, export and back."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tolerance import written

from agent.core.settings import Settings
from agent.features.autointerp import embed_labels
from agent.features.catalogue import Catalogue, find_own_folder
from agent.features.import_labels import import_features
from agent.features.label_store import Library
from agent.features.lookup import export_features, search_features
from tracer import write_features

ROOT = Path(__file__).parents[1]
MODEL, LAYERS, NEURONS = "gemma-3-270m", 3, 4
LABELS = [
    "“January”, “March”, “May”",
    "the token “,”",
    "program code",
    "say “Paris”, “Rome”",
    "unlabelled",
    "digits",
]


def described(data):
    """Settings with a small folder of the user's own descriptions."""
    count = 2 * LAYERS * NEURONS
    labels = [LABELS[n % len(LABELS)] for n in range(count)]
    kinds = ["class", "say", "token", "tokens", "unlabelled"]
    rule = ["tokens", "token", "class", "say", "unlabelled", "class"]
    score = np.array([90 - n for n in range(count)], np.uint8)
    arrays = {
        "kind": np.array([kinds.index(rule[n % len(rule)]) for n in range(count)], np.uint8),
        **dict.fromkeys(("random", "hard", "table", "output"), score),
        **{name: np.full(count, 0.01, np.float16) for name in ("peak", "density")},
        **{name: np.full((count // 2, 8), 500, np.int32) for name in ("up", "down")},
        "nearest": np.zeros((count, 5), np.int32),
        "cosine": np.zeros((count, 5), np.uint8),
        "histogram": np.zeros((count, 24), np.uint8),
    }
    contexts = {
        "tokens": np.full((count, 4, 16), 600, np.int32),
        "activation": np.ones((count, 4), np.float16),
        "source": np.zeros((count, 4), np.uint8),
    }
    about = {
        "model": MODEL, "basis": "neurons", "layers": LAYERS, "neurons": NEURONS,
        "corpus": "made", "sources": ["made"], "kinds": kinds,
    }  # fmt: skip
    folder = find_own_folder(data, MODEL)
    write_features(folder, about, labels, arrays, contexts)
    embed_labels(folder)
    return Settings(data_dir=data)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return described(tmp_path_factory.mktemp("data"))


def test_every_labelled_feature_is_a_row_with_what_it_can_be_filtered_by(settings):
    found = search_features(settings, "months of the year", 2, range(1, 3))
    assert [hit["label"] for hit in found] == [LABELS[0]] * 2
    assert {hit["layer"] for hit in found} <= {1, 2}
    assert [hit["score"] for hit in found] == sorted((hit["score"] for hit in found), reverse=True)
    from chromadb import PersistentClient

    (shelf,) = [path for path in (settings.data_folder / "library").glob(f"{MODEL}.*") if path.is_dir()]
    client = PersistentClient(path=str(shelf))
    (collection,) = client.list_collections()
    assert collection.name.startswith(f"{MODEL}.neurons.made-")
    rows = collection.get(where={"$and": [{"layer": 2}, {"score": {"$gte": 0.7}}, {"source": "class"}]})
    assert rows["ids"]
    assert set(rows["metadatas"][0]) == {"layer", "index", "sign", "source", "density", "score"}
    assert collection.count() == sum(label != "unlabelled" for label in LABELS) * 4
    client.close()


def test_a_chroma_server_is_used_where_one_is_named(settings, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--path", str(tmp_path / "server")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            there = settings.model_copy(update={"chroma_url": f"http://127.0.0.1:{port}"})
            told = [search_features(there, "cities", 3) for _ in range(2)]
        finally:
            server.terminate()
    assert told[0] == told[1]
    own = search_features(settings, "cities", 3)
    assert [{**hit, "similarity": None} for hit in told[0]] == [{**hit, "similarity": None} for hit in own]
    assert [hit["similarity"] for hit in told[0]] == written([hit["similarity"] for hit in own], 4)
    assert told[0][0]["label"] == LABELS[3]
    assert list((tmp_path / "server").iterdir())  # it was filled


def test_a_large_index_is_filled_by_a_process_of_its_own_while_searches_are_answered(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.features.catalogue.AT_ONCE", 0)
    there = described(tmp_path)
    first = search_features(there, "cities", 3, range(1, 3))
    deadline = time.monotonic() + 60
    while not (shelves := [p for p in (tmp_path / "library").glob(f"{MODEL}.*") if p.is_dir()]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while shelves[0].suffix == ".part" and time.monotonic() < deadline:
        shelves = [p for p in (tmp_path / "library").glob(f"{MODEL}.*") if p.is_dir()]
        time.sleep(0.1)
    again = search_features(there, "cities", 3, range(1, 3))
    assert [hit["id"] for hit in again] == [hit["id"] for hit in first]
    assert [hit["similarity"] for hit in again] == written([hit["similarity"] for hit in first], 3)


SEARCH = """
import sys
from pathlib import Path
from agent.core.settings import Settings
from agent.features import search_features
print([hit["id"] for hit in search_features(Settings(data_dir=Path(sys.argv[1])), "cities", 3)])
"""


def test_many_may_read_while_the_first_of_them_fills(tmp_path):
    described(tmp_path)
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", SEARCH, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=240)[0] for process in asked]
    assert [process.returncode for process in asked] == [0, 0, 0]
    assert told[0] == told[1] == told[2]


def test_what_is_exported_can_be_imported(settings, tmp_path):
    file = tmp_path / "features.jsonl"
    assert export_features(settings, file) == 2 * LAYERS * NEURONS
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0]["id"] == f"{MODEL}/L0.N0+"
    assert len(rows[0]["contexts"]) == 4
    other = Settings(data_dir=tmp_path / "other")
    done = import_features(other, str(file))
    labelled = [row for row in rows if row["label"] != "unlabelled"]
    assert done.filed == len(labelled)
    assert sum(done.skipped.values()) == len(rows) - len(labelled)
    with Library.open(other.data_folder / "library") as library:
        back = library.get([row["id"] for row in labelled])
    for row in labelled:
        own = back[row["id"]]
        assert (own.label, own.score, list(own.promotes)) == (row["label"], row["score"], row["promotes"])
        assert (own.layer, own.feature, own.sign) == (row["layer"], row["neuron"], row["sign"])


def test_descriptions_of_another_shape_are_not_this_models(settings):
    assert Catalogue.of(MODEL, (18, 2048), settings.data_folder).about["layers"] == 18
