"""Graph files as other tools and versions write them are read, and what was put right is noted.

Attention features are written as Neuronpedia's graphs with Lorsa features have them (5_lor_123_4,
5_error_attn_4, the logit on the layer after the last), and as Language-Model-SAEs writes its own.
"""

import gzip
import json

import pytest
from graph_files import example, feature, node, read

from agent import explain_graph, view_graph
from tracer import GraphError, parse_graph
from tracer.graph_files.formats import as_json


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
    assert "Nodes of types not known here (“retrieval memory”): 1; they are no features." in notes
    assert "qk_tracing_results" not in notes
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


@pytest.mark.parametrize(
    ("label", "p"), [('Logit " Austin" (p=0.420)', 0.42), ('output: "Austin" (p=42 %)', 0.42), ("Austin", 0)]
)
def test_a_probability_that_only_the_label_tells_is_read(label, p):
    data = example()
    logits = [one for one in data["nodes"] if one["feature_type"] == "logit"]
    for one in logits:
        one["token_prob"], one["clerp"] = None, label
    graph = read(data)
    assert [n.probability for n in graph.nodes if n.kind == "logit"] == [p] * len(logits)
    assert ("(42 %)" in explain_graph(graph)["answer"]["markdown"]) == (p > 0)
    assert "(0.0 %)" not in explain_graph(graph)["answer"]["markdown"]


def test_links_that_stand_twice_or_lead_nowhere_are_put_right_and_counted():
    data = example()
    data["links"] += [data["links"][0], {"source": "nobody", "target": "1_7_1", "weight": 1.0}]
    graph = read(data)
    assert graph.links == read(example()).links
    assert "Links that name nodes which the file does not hold: 1; they are left out." in graph.notes
    assert "Links that the file repeats: 1; each counts once." in graph.notes
    assert set(graph.notes) <= set(explain_graph(graph)["notes"])


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
        ("Logit Austin (p=4.2e-05)", "Austin"),
        ("Output token: `Austin` (p=42%)", "Austin"),
        ("Austin", "Austin"),
    ],
)
def test_the_token_of_a_logit_is_read_from_its_label(label, token):
    data = example()
    target = max((n for n in data["nodes"] if n["feature_type"] == "logit"), key=lambda n: n["token_prob"])
    target["clerp"] = label
    assert explain_graph(read(data))["question"]["answer"] == token


def looking():
    """The example with an attention feature, why it looks there, and a node that only that names."""
    data = with_attention()
    head = next(n for n in data["nodes"] if n["node_id"] == "3_lor_42_2")
    head["qk_tracing_results"] = {
        "pair_wise_contributors": [["E_12_2", "1_7_1", 0.5], ["2_cro_8_1", "E_11_1", -2.0]],
        "top_q_marginal_contributors": [["E_12_2", 0.25]],
        "top_k_marginal_contributors": [["nobody", 0.125], [{"node_id": "1_7_1", "layer": 1}, 0.75]],
    }
    data["qk_only_nodes"] = {"2_cro_8_1": feature(2, 8, 1, node_id="2_cro_8_1", clerp="of states")}
    return data


def test_why_a_head_looks_there_is_told_as_the_file_says():
    report = explain_graph(read(looking()))
    said = next(s["text"] for s in report["answer"]["sentences"] if "looks where it does" in s["text"])
    assert said == (
        "“L3.A42@2” (at “ is”) looks where it does, as the file says, for the pairs “L2.F8@1” (“of states”, "
        "at “ Texas”) with “ Texas” (−2.00) and “ is” with “L1.F7@1” (at “ Texas”) (+0.50); where it looks "
        "from “ is” (+0.25); where it looks to “L1.F7@1” (at “ Texas”) (+0.75) and “nobody” (+0.12): so much "
        "each adds to its attention score."
    )
    (look,) = report["looks"]
    assert (look["head"], look["position"]) == ("L3.A42@2", 2)
    assert look["pairs"][0] == {"from": "L2.F8@1", "to": "E_11_1", "amount": -2.0}
    assert [one["id"] for one in look["to"]] == ["L1.F7@1", "nobody"]
    assert "L2.F8@1" not in [f["id"] for f in report["features"]]


def test_a_node_that_only_a_head_names_may_stand_behind_the_text():
    data = looking()
    data["qk_only_nodes"]["2_cro_8_1"]["ctx_idx"] = 7
    report = explain_graph(graph := read(data))
    assert any("behind the end of the text: 1" in note for note in graph.notes)
    assert any("“2_cro_8_1” with" in sentence["text"] for sentence in report["answer"]["sentences"])


def test_why_a_head_looks_there_may_be_nonsense_without_harm():
    data = looking()
    head = next(n for n in data["nodes"] if n["node_id"] == "3_lor_42_2")
    head["qk_tracing_results"] = {"pair_wise_contributors": [["a", "b", "much"]]}
    graph = read(data)
    assert "cannot be read: 1; the results are left out." in graph.notes[-1]
    assert explain_graph(graph)["looks"] == []
    assert parse_graph(as_json(graph)).nodes == graph.nodes
    head["qk_tracing_results"] = None
    assert explain_graph(read(data))["looks"] == []


def test_what_heads_look_for_comes_back_when_the_file_is_written():
    graph = read(looking())
    assert parse_graph(as_json(graph)) == graph


def test_a_number_in_the_place_of_a_label_is_none():
    data = example()
    data["nodes"][0]["clerp"] = f"F{data['nodes'][0]['feature']}"
    assert read(data).all_labels()["1_7_1"] == ""


def lorsa_file(logit_layer):
    """As Neuronpedia's graphs with attention features are: no probability but of logits, tokens told."""
    data = with_attention()
    data["nodes"] = [n for n in data["nodes"] if n["feature_type"] != "logit"]
    for one in data["nodes"]:
        one.pop("token_prob", None)
    data["nodes"].append(
        node("x_900", "logit", logit_layer, 2, token_prob=0.6, token=" Austin", clerp='Logit "?" (p=0.600)')
    )
    for link in data["links"]:
        if link["target"].startswith("5_90"):
            link["target"] = "x_900"
    data["qParams"] = {}
    return data


def test_a_logit_on_the_layer_after_the_last_leaves_the_number_of_layers():
    graph = read(lorsa_file(26))
    assert graph.layers == 26
    assert explain_graph(graph)["question"]["answer"] == " Austin"
    assert read(example()).layers == 4  # circuit-tracer's: one above that


def openmoss():
    """As Language-Model-SAEs writes its own: no slug, attention on even layers, MLPs on odd ones."""
    word = {"layer": -1, "feature": None, "token": " Texas"}
    return {
        "metadata": {"prompt_tokens": ["<bos>", " Texas", " is"], "prompt": "<bos> Texas is"},
        "nodes": [
            {**node("E_11_1", "embedding", 0, 1), **word},
            node("2_5_2", "lorsa", 2, 2, number=5, activation=1.0, lorsa_pattern=[0.1, 0.9]),
            node("3_5_2", "cross layer transcoder", 3, 2, number=5, activation=1.0),
            node("2_error_2", "lorsa error", 2, 2),
            node("4_900_2", "logit", 4, 2, number=900, token=" Austin", token_prob=0.5, is_target_logit=True),
        ],
        "links": [
            {"source": "E_11_1", "target": "2_5_2", "weight": 1.0},
            {"source": "2_5_2", "target": "3_5_2", "weight": 2.0},
            {"source": "2_error_2", "target": "3_5_2", "weight": 0.5},
            {"source": "3_5_2", "target": "4_900_2", "weight": 3.0},
        ],
    }


def test_layers_that_count_attention_and_mlps_apart_are_told_as_the_model_s():
    graph = read(openmoss())
    assert graph.layers == 2
    report = explain_graph(graph)
    assert report["path"] == ["E_11_1", "L1.A5@2", "L1.F5@2", "4_900_2"]
    assert report["question"]["answer"] == " Austin"
    assert report["source"]["slug"] == "the-file"
    assert "counts attention and MLPs as layers of their own" in " ".join(report["notes"])
    assert parse_graph(as_json(graph)).nodes == graph.nodes


def test_names_that_look_like_ids_or_numbers_break_no_sentence():
    data = example(supernodes=[["S3 of 1.5, C2", "3_42_2"]])
    data["metadata"]["slug"] = "gemma-1.5/S9\\2,000"
    data["nodes"].append(node("odd", "S2: 17.5 % of \u202e odd", 2, 1))
    report = explain_graph(read(data))
    assert "S2: 17.5 % of" in report["answer"]["markdown"]
    assert "gemma-1.5-S9-2,000" in report["answer"]["markdown"]


def test_parts_of_characters_are_shown_as_the_text_has_them():
    data = example()
    data["metadata"]["prompt_tokens"] = ["<bos>", " �", "�"]
    data["metadata"]["prompt"] = "<bos> 🤷"
    report = explain_graph(read(data))
    assert report["tokens"] == ["<bos>", " 🤷, part 1 of 2", "🤷, part 2 of 2"]
    assert "�" not in report["answer"]["markdown"]
    assert view_graph(json.dumps(data).encode())["drawing"]["tokens"] == report["tokens"]
    data["metadata"]["prompt"] = "another text"
    assert explain_graph(read(data))["tokens"] == ["<bos>", " �", "�"]
    data["metadata"] |= {"prompt": "a 海の海", "prompt_tokens": ["a", " �", "�の�"]}
    assert explain_graph(read(data))["tokens"] == ["a", " 海の海, part 1 of 2", "海の海, part 2 of 2"]
