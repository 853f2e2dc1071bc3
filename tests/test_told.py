"""Descriptions made elsewhere: Neuronpedia's, circuit-tracer's feature files by ranges, hostile ones."""

import gzip
import json
import struct
import threading
import zlib
from collections import Counter
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from agent.core.errors import LibraryError
from agent.core.settings import Settings
from agent.features.external_labels import FeatureFileSet, InvalidRow, parse_row, read_rows
from agent.features.import_labels import import_features
from agent.features.label_store import Library

EXPLAINED = {
    "modelId": "m",
    "layer": "3-some-transcoders",
    "index": "12",
    "description": "capital cities",
    "explanationModelName": "gpt-4o-mini",
    "typeName": "np_max-act-logits",
}
FEATURE = {
    "transcoder_id": "t",
    "index": 5,
    "examples_quantiles": [
        {
            "quantile_name": "Top",
            "examples": [
                {"tokens": ["in", " Texas", ","], "tokens_acts_list": [0.0, 3.5, 0.1]},
                {"tokens": [" Texas", "!"], "tokens_acts_list": [2.5, 0.0]},
            ],
        }
    ],
    "top_logits": [" Austin", " Houston"],
    "bottom_logits": [],
}


def feature_files(folder, per_layer=4):
    """A set as circuit-tracer writes it; returns the index."""
    (folder / "features").mkdir(parents=True)
    index = {}
    for layer in range(2):
        content, offsets = b"", [0]
        for n in range(per_layer):
            packed = zlib.compress(json.dumps({**FEATURE, "index": n}).encode())
            content += struct.pack("<I", len(packed)) + packed
            offsets.append(len(content))
        (folder / "features" / f"layer_{layer}.bin").write_bytes(content)
        index[str(layer)] = {"filename": f"layer_{layer}.bin", "offsets": offsets}
    (folder / "features" / "index.json.gz").write_bytes(gzip.compress(json.dumps(index).encode()))
    return index


class Ranges(SimpleHTTPRequestHandler):
    """A file server that knows byte ranges, and remembers what was asked."""

    asked: ClassVar[list] = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        wanted = self.headers.get("Range")
        Ranges.asked.append((self.path, wanted))
        path = self.translate_path(self.path)
        content = Path(path).read_bytes()
        if wanted:
            first, last = (int(n) for n in wanted.removeprefix("bytes=").split("-"))
            content = content[first : last + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def served(tmp_path):
    """A set behind a real HTTP server: its address."""
    feature_files(tmp_path / "site")
    Ranges.asked.clear()

    def handler(*args):
        return Ranges(*args, directory=str(tmp_path / "site"))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/features"
        server.shutdown()
        thread.join()


def test_every_layout_becomes_a_row(tmp_path):
    row = parse_row(EXPLAINED)
    assert (row.layer, row.feature, row.label) == (3, 12, "capital cities")
    assert row.source == "imported, by gpt-4o-mini"
    whole = parse_row(
        {"layer": "7-set", "index": 9, "explanations": [{"description": "x"}], "pos_str": [" a"]}
    )
    assert (whole.layer, whole.label, whole.promotes) == (7, "x", (" a",))
    contexts = parse_row({**FEATURE, "layer": 2})
    assert contexts.label == "the token “texas”"
    assert contexts.source == "imported contexts"
    lines = tmp_path / "batch-0.jsonl.gz"
    lines.write_bytes(gzip.compress(b"".join(json.dumps(EXPLAINED).encode() + b"\n" for _ in range(3))))
    assert len(list(read_rows(tmp_path, Counter()))) == 3


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([], "no object"),
        ({**EXPLAINED, "index": -1}, "no index"),
        ({**EXPLAINED, "index": True}, "no index"),
        ({**EXPLAINED, "index": 2**40}, "no index"),
        ({**EXPLAINED, "layer": "residual"}, "no layer"),
        ({**EXPLAINED, "description": {"a": 1}}, "no description"),
        ({**EXPLAINED, "description": " \n "}, "no description"),
        ({**EXPLAINED, "sign": "x"}, "a sign that is neither"),
    ],
)
def test_rows_that_make_no_sense_are_left_out(bad, why):
    with pytest.raises(InvalidRow, match=why):
        parse_row(bad)


def test_words_from_outside_are_cut_and_cleaned():
    row = parse_row(
        {**EXPLAINED, "description": "a\x1b[31m\u202e b\n" + "x" * 5000, "pos_str": ["\x07", 3, "ok"] * 99}
    )
    assert len(row.label) == 400
    assert row.label.isprintable()
    assert len(row.promotes) == 10


def test_one_feature_costs_one_range_of_bytes(served):
    found = FeatureFileSet(served)
    rows = list(found.rows([(1, 2), (0, 0), (5, 0)], skipped := Counter()))
    assert [(row.layer, row.feature) for row in rows] == [(1, 2), (0, 0)]
    assert skipped == {"not in the set": 1}
    assert [asked for asked, span in Ranges.asked if span is None] == ["/features/index.json.gz"]
    assert len(Ranges.asked) == 3


def test_hostile_feature_files_are_one_sentence(tmp_path):
    index = feature_files(tmp_path / "good")
    for number, change in enumerate(
        (
            {"filename": "../../secret.bin", "offsets": [0, 9]},
            {"filename": "layer_0.bin", "offsets": [9, 0]},
            {"filename": "layer_0.bin", "offsets": ["0", "9"]},
            {"filename": "layer_0.bin"},
            7,
        )
    ):
        folder = tmp_path / f"bad{number}"
        feature_files(folder)
        (folder / "features" / "index.json.gz").write_bytes(gzip.compress(json.dumps({"0": change}).encode()))
        with pytest.raises(LibraryError, match=r"layer '0'\.$"):
            FeatureFileSet(str(folder))
    with pytest.raises(LibraryError, match="out of reach"):
        FeatureFileSet("http://127.0.0.1:9/features")
    bomb = zlib.compress(b"[" + b"0," * 5_000_000 + b"0]")
    file = tmp_path / "good" / "features" / "layer_0.bin"
    for content in (struct.pack("<I", len(bomb)) + bomb, b"\xff" * 900, struct.pack("<I", 20) + b"x" * 30):
        file.write_bytes(content)
        index["0"]["offsets"] = [0, len(content)]
        packed = gzip.compress(json.dumps(index).encode())
        (tmp_path / "good" / "features" / "index.json.gz").write_bytes(packed)
        assert list(FeatureFileSet(str(tmp_path / "good")).rows([(0, 0)], skipped := Counter())) == []
        assert sum(skipped.values()) == 1
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"a": ' + "[" * 5000 + "\n" + json.dumps(EXPLAINED) + "\n")
    assert len(list(read_rows(broken, skipped := Counter()))) == 1
    assert skipped == {"no JSON": 1}


def test_imported_neurons_are_searched_and_survive_what_a_text_shows(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    file = tmp_path / "explained.jsonl"
    rows = [
        EXPLAINED,
        {**EXPLAINED, "index": 13, "description": "verbs of motion"},
        {**EXPLAINED, "layer": "99-x"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = import_features(settings, str(file))
    assert (done.features_of, done.filed) == ("gemma-3-270m", 2)
    assert done.skipped == {"no such feature of gemma-3-270m": 1}
    with Library.open(settings.data_folder / "library") as library:
        hit = library.search("cities", k=1)[0]
        assert (hit.id, hit.source) == ("gemma-3-270m/L3.N6+", "imported, by gpt-4o-mini")
        known = library.get([hit.id])[hit.id]
        seen = type(known)(hit.id, known.model, 3, 6, "+", "from a text", "tokens", (), (" Rome",))
        library.put([seen])
        after = library.get([hit.id])[hit.id]
        assert (after.label, after.fires_on) == ("capital cities", (" Rome",))
    with pytest.raises(LibraryError, match="no description was wanted"):
        import_features(settings, str(file), layers=range(8, 9))
