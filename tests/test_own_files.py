"""A graph file of our own is told and drawn with the numbers it left with; one that was changed is not."""

import json

import pytest
from tests_support import tiny_subject

from agent import (
    GraphNaming,
    draw_trace,
    explain_graph_file,
    export_trace,
    read_settings,
    show_graph,
    view_graph,
)
from agent.features.label_store import Library
from agent.workspace.workspace import Workspace
from tracer import read_graph_file

TEXTS = ["w1 w5 w9 w33 w2 w71", "w4 w8 w15 w16 w23 w42", "w7 w70 w17 w3 w61 w12"]
OF_THE_FILE = {"graph_id", "circuit", "only_seen"}


@pytest.fixture(scope="module")
def exported(tiny, tmp_path_factory):
    """The path of an exported graph, and the drawing it was exported from."""
    folder = tmp_path_factory.mktemp("own")
    subject = tiny_subject(tiny, "gemma3")
    library = Library.open(folder / "library")
    workspace = Workspace(read_settings(nodes=300, data_dir=folder), subject, library)
    try:
        text = next(text for text in TEXTS if not has_neuron_0(draw_trace(workspace, text)))
        drawing = draw_trace(workspace, text)
        export_trace(workspace, text, folder / "graph.json")
        export_trace(workspace, text, folder / "older.json", naming=GraphNaming(old_error_ids=True))
    finally:
        workspace.close()
    return folder / "graph.json", drawing


def has_neuron_0(drawing):
    """Whether neuron 0 of layer 0 is in the graph: its older id is that of an error, so none is written."""
    return any(node["id"].startswith("L0.N0") for node in drawing["nodes"])


def changed(path, tmp_path, change):
    data = json.loads(path.read_text())
    change(data)
    other = tmp_path / "changed.json"
    other.write_text(json.dumps(data))
    return other


def test_a_first_word_that_stands_in_for_a_begin_token_comes_back_as_that(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("tracer.attribution.attribute.rests_on_first", lambda _frozen: True)
    workspace = Workspace(
        read_settings(nodes=300, data_dir=tmp_path), tiny_subject(tiny, "llama"), Library.open(tmp_path / "l")
    )
    try:
        drawing = draw_trace(workspace, TEXTS[0])
        export_trace(workspace, TEXTS[0], tmp_path / "graph.json")
    finally:
        workspace.close()
    assert "BOS" in {node["id"] for node in drawing["nodes"]}
    back = view_graph((tmp_path / "graph.json").read_bytes())
    assert back["drawing"]["nodes"] == drawing["nodes"]
    assert "was changed after" not in json.dumps(explain_graph_file(tmp_path / "graph.json"))


def test_the_drawing_comes_back_as_it_was(exported):
    path, drawing = exported
    back = view_graph(path.read_bytes())["drawing"]
    assert back["only_seen"]
    for name in drawing.keys() - OF_THE_FILE:
        assert back[name] == drawing[name], name
    assert back["target"]["value"] == drawing["target"]["value"]
    assert "unit" not in back["target"]  # logits, and no probability


def test_the_report_has_the_lead_signs_roles_groups_path_and_pins(exported):
    path, drawing = exported
    report = explain_graph_file(path)
    assert report["question"]["lead"] == drawing["target"]["value"]
    assert report["path"] == drawing["strongest_path"]
    drawn = {n["id"]: n for n in drawing["nodes"]}
    for member in report["features"]:
        for name in ("influence", "effect", "role", "activation", "layer", "position"):
            assert member[name] == drawn[member["id"]][name]
    for group, box in zip(report["supernodes"], drawing["supernodes"], strict=True):
        for name in ("id", "name", "kind", "sign", "share", "layers", "raises", "lowers", "position"):
            assert group[name] == box[name]
        assert [m["id"] for m in group["members"]] == box["members"]
    assert report["graph"]["completeness"] == drawing["scores"]["completeness"]
    assert report["pinned"] == list(read_graph_file(path).pinned)
    text = report["answer"]["markdown"]
    assert "its lead is" in text
    assert "the product of its shares" not in text
    assert "was changed" not in text
    assert f"{drawing['target']['value']:+.2f}".replace("-", "−") in show_graph(path)["markdown"]
    json.dumps(report, allow_nan=False)


def test_a_file_with_older_error_ids_comes_back_too(exported):
    path, drawing = exported
    back = view_graph(path.with_name("older.json").read_bytes())["drawing"]
    assert back["nodes"] == drawing["nodes"]
    assert back["edges"] == drawing["edges"]


def name_group(data):
    data["qParams"]["supernodes"][0][0] = "another name"


def lose_node(data):
    lost = next(n for n in data["nodes"] if n["feature_type"] == "cross layer transcoder")["node_id"]
    data["nodes"] = [n for n in data["nodes"] if n["node_id"] != lost]


def change_weights(data):
    for link in data["links"]:
        link["weight"] *= 2


def lie(data):
    data["metadata"]["askcircuit"]["drawing"]["strongest_path"] = ["T1", "S99", "LD"]


def break_drawing(data):
    data["metadata"]["askcircuit"]["drawing"] = {"nodes": "many"}


def swell(data):
    data["metadata"]["askcircuit"]["drawing"]["scores"]["completeness"] = 10**400  # no float is as large


def swell_lead(data):
    data["metadata"]["askcircuit"]["drawing"]["target"]["value"] = 10**400


@pytest.mark.parametrize(
    "change", [name_group, lose_node, change_weights, lie, break_drawing, swell, swell_lead]
)
def test_a_file_that_was_changed_is_told_from_its_links_and_that_is_said(exported, tmp_path, change):
    path, _ = exported
    other = changed(path, tmp_path, change)
    report = explain_graph_file(other)
    assert "was changed after askcircuit wrote it" in " ".join(report["notes"])
    assert report["question"]["lead"] is None
    assert view_graph(other.read_bytes())["drawing"]["target"]["unit"] == "probability"
