"""Graph files as other tools and versions write them are read, and what was put right is noted."""

import gzip
import json

import pytest
from graph_files import example, feature, node, read

from agent.graph_files.exchange import explain_graph
from tracer import GraphError, parse_graph


def with_attention():
    """The example with an attention feature, its error, and a node of a type nobody knows."""
    data = example()
    head = feature(3, 42, 2, node_id="3_lor_42_2", feature_type="lorsa")
    head["qk_tracing_results"] = {"top_q_marginal_contributors": [["1_7_1", 0.4]]}
    wrong = node("3_error_attn_2", "lorsa error", 3, 2, influence=0.5)
    odd = node("3_odd_2", "retrieval memory", 3, 2, influence=0.2)
    data["nodes"] += [head, wrong, odd]
    answer = next(n["node_id"] for n in data["nodes"] if n["feature_type"] == "logit")
    data["links"] += [
        {"source": "1_7_1", "target": "3_lor_42_2", "weight": 2.0},
        {"source": "3_lor_42_2", "target": "3_42_2", "weight": 5.0},
        {"source": "3_error_attn_2", "target": answer, "weight": 0.2},
        {"source": "3_odd_2", "target": answer, "weight": 0.1},
    ]
    return data


def test_features_of_attention_have_names_of_their_own():
    graph = read(with_attention())
    names = [graph.name(n) for n in graph.nodes if n.kind == "feature"]
    assert {"L3.A42@2", "L3.F42@2"} <= set(names)
    assert len(set(names)) == len(names)
    kinds = {n.id: n.kind for n in graph.nodes}
    assert (kinds["3_lor_42_2"], kinds["3_error_attn_2"], kinds["3_odd_2"]) == ("feature", "error", "other")
    report = explain_graph(graph)
    assert len(set(report["path"])) == len(report["path"])
    notes = " ".join(report["notes"])
    assert "1 nodes are of types not known here ('retrieval memory')" in notes
    assert "1 nodes hold qk_tracing_results" in notes
    assert "3_odd_2" not in [f["id"] for f in report["features"]]


def encodings():
    text = json.dumps(example())
    yield "BOM", b"\xef\xbb\xbf" + text.encode()
    yield "UTF-16", text.encode("utf-16")
    yield "gzip", gzip.compress(text.encode())
    yield "gzip and BOM", gzip.compress(b"\xef\xbb\xbf" + text.encode())


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in encodings()])
def test_marks_and_gzip_are_read(data):
    assert parse_graph(data) == read(example())


def test_gzip_that_is_damaged_or_a_bomb_is_refused():
    with pytest.raises(GraphError, match="gzip, and damaged"):
        parse_graph(b"\x1f\x8b" + b"\x00" * 40)
    with pytest.raises(GraphError, match="is larger than 100 MB"):
        parse_graph(gzip.compress(b" " * (101 * 2**20)))


def test_harmless_nulls_and_layers_as_floats_are_read():
    data, plain = example(), read(example())
    for one in data["nodes"]:
        for name in ("token_prob", "is_target_logit", "jsNodeId"):
            if not one.get(name):
                one[name] = None
        if one["layer"] != "E":
            one["layer"] = float(one["layer"])
    graph = read({**data, "qParams": None})
    assert [n.layer for n in graph.nodes] == [n.layer for n in plain.nodes]
    assert graph.links == plain.links


def test_links_that_stand_twice_or_lead_nowhere_are_put_right_and_counted():
    data = example()
    data["links"] += [data["links"][0], {"source": "nobody", "target": "1_7_1", "weight": 1.0}]
    graph = read(data)
    assert graph.links == read(example()).links
    assert "1 links name nodes that the file does not hold" in " ".join(graph.notes)
    assert "1 links stand there twice; each counts once." in graph.notes


def test_a_slug_with_a_slash_is_renamed_with_a_note():
    data = example()
    data["metadata"]["slug"] = "gemma-2-2b/capitals"
    graph = read(data)
    assert graph.slug == "gemma-2-2b-capitals"
    assert "could name no file" in graph.notes[0]


@pytest.mark.parametrize(
    ("label", "token"),
    [
        ('Logit " Austin" (p=0.420)', " Austin"),
        ("output: 'Austin' (p=1.000)", "Austin"),
        ('Output " Austin" (p=0.420)', " Austin"),
        ('Output """ (p=0.1)', '"'),
    ],
)
def test_the_token_of_a_logit_is_read_from_its_label(label, token):
    data = example()
    target = max((n for n in data["nodes"] if n["feature_type"] == "logit"), key=lambda n: n["token_prob"])
    target["clerp"] = label
    assert explain_graph(read(data))["question"]["answer"] == token
