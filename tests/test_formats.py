"""Graph files: what is written is read back; files of others are read with distrust."""

import copy
import json
from collections import Counter
from dataclasses import replace

import pytest
from frozen_reference import own_precision
from graph_files import GRAPHS, error, example, feature, logit, node, read, whole
from hypothesis import given, settings, strategies as st
from tests_support import relu_subject, save_own_mlps, tiny_subject
from tolerance import near, tolerance

from tracer import GraphError, flow_of, graph_file, parse_graph, read_graph_file, with_error_ids
from tracer.attribution.graph import Kind
from tracer.graph_files.formats import as_json, feature_index, neuron_of, pair, unpair, write_graph_file

SCHEMA = GRAPHS / "neuronpedia-graph-schema.json"


# Numbers and names


@given(st.integers(0, 1000), st.integers(0, 3_000_000))
def test_layer_and_index_come_back_from_their_number(layer, index):
    assert unpair(pair(layer, index)) == (layer, index)


@given(st.integers(0, 10**7), st.sampled_from("+-"))
def test_a_signed_neuron_comes_back_from_its_index(neuron, sign):
    assert neuron_of(feature_index(neuron, sign)) == (neuron, sign)


def test_numbers_pair_as_circuit_tracer_pairs_them():
    assert pair(0, 928) == 431_984  # from its issue 78
    assert pair(18, 5495) == 15_204_836  # from a file of others


def test_a_feature_is_known_by_its_id_or_by_either_numbering():
    data = example()
    data["nodes"] += [
        feature(2, 9, 1, node_id="odd"),
        node("old", "cross layer transcoder", 3, 1, number=300_042),
    ]
    found = {n.id: n.feature for n in read(data).nodes if n.kind == "feature"}
    assert found == {"1_7_1": 7, "3_42_2": 42, "odd": 9, "old": 42}


# A file of others, read


def test_what_a_file_says_is_read():
    graph = read(example(pinnedIds=["3_42_2"], supernodes=[["capital", "3_42_2", "1_7_1"]]))
    assert Counter(n.kind for n in graph.nodes) == {"feature": 2, "error": 1, "token": 3, "logit": 2}
    assert graph.layers == 4
    assert graph.groups[0].name == "capital"
    assert graph.groups[0].members == ("3_42_2", "1_7_1")
    assert graph.pinned == ("3_42_2",)
    assert graph.name(graph.nodes[1]) == "L3.F42@2"
    assert graph.all_labels()["3_42_2"] == "say a capital"
    assert graph.notes == ()


def test_a_label_typed_by_hand_beats_the_node_s_own_wherever_the_feature_is():
    data = example(
        clerps=json.dumps([[str(pair(3, 42)), "capitals"], ["1_7_1", "Texas"], ["900", "no logit"]])
    )
    labels = read(data).all_labels()
    assert labels["3_42_2"] == "capitals"
    assert labels["1_7_1"] == "Texas"
    assert labels["5_900_2"] == 'Output " Austin" (p=0.600)'


def test_pins_and_supernodes_may_be_text_as_in_an_address_line():
    graph = read(example(pinnedIds="3_42_2,1_7_1", supernodes='[["a","1_7_1"]]'))
    assert graph.pinned == ("3_42_2", "1_7_1")
    assert graph.groups[0].members == ("1_7_1",)


def test_pins_of_nodes_that_pruning_dropped_are_left_out_and_said():
    graph = read(example(pinnedIds=["9_9_9"], supernodes=[["gone", "8_8_1"]]))
    assert (graph.pinned, graph.groups) == ((), ())
    assert "but the file does not hold: 2; left out" in graph.notes[0]


def test_all_that_is_kept_comes_back():
    data = example(
        pinnedIds=["3_42_2", "0_-1_1"],
        supernodes=[["capital", "3_42_2"], ["rest", "0_-1_1", "1_7_1"]],
        clerps=[["1_7_1", "Texas “quoted” \n"]],
        clickedId="3_42_2",
        pruningThreshold=0.6,
    )
    data["metadata"]["info"] = {"creator_name": "me"}
    data["nodes"].append(feature(2, 2, 1, clerp="ünï"))
    graph = read(data)
    assert parse_graph(as_json(graph)) == graph
    back = json.loads(as_json(graph))
    assert back["metadata"] == data["metadata"]
    assert back["links"] == data["links"]
    assert back["qParams"]["supernodes"] == data["qParams"]["supernodes"]
    assert back["qParams"]["pruningThreshold"] == 0.6
    assert json.loads(back["qParams"]["clerps"]) == data["qParams"]["clerps"]


# Both kinds of error ids


def test_error_ids_change_both_ways_with_all_that_names_them():
    graph = read(example(pinnedIds=["0_-1_1"], supernodes=[["rest", "0_-1_1"]], clickedId="0_-1_1"))
    old = with_error_ids(graph, old=True)
    assert {"0_0_1"} == {n.id for n in old.nodes if n.kind == "error"}
    assert (old.pinned, old.groups[0].members, old.clicked) == (("0_0_1",), ("0_0_1",), "0_0_1")
    assert parse_graph(as_json(old)) == old
    assert with_error_ids(old, old=False) == graph


def test_old_ids_that_would_collide_are_refused():
    data = example()
    data["nodes"].append(feature(0, 0, 1))
    with pytest.raises(GraphError, match="two nodes would be called '0_0_1'"):
        with_error_ids(read(data), old=True)


def test_an_error_and_a_feature_of_one_id_are_told_apart_as_far_as_can_be():
    shared = [
        feature(0, 2, 1),
        error(2, 1, "0_2_1"),
        *(feature(*at) for at in ((1, 5, 1), (2, 4, 2), (3, 6, 2), (3, 8, 2))),
    ]
    links = [
        ("0_2_1", "1_5_1", 1.0),  # not above the error: the feature's
        ("0_2_1", "2_4_2", 5.0),
        ("0_2_1", "3_6_2", 2.0),  # could be either: the error's
        ("0_2_1", "3_8_2", 3.0),  # both: the feature comes first
        ("0_2_1", "3_8_2", 4.0),
    ]
    data = whole([*shared, logit(900, "x", 0.5)], links, pinnedIds=["0_2_1"])
    graph = read(data)
    assert [(s, t, w) for s, t, w in graph.links] == [
        ("0_2_1", "1_5_1", 1.0),
        ("0_2_1", "2_4_2", 5.0),
        ("2_-1_1", "3_6_2", 2.0),
        ("0_2_1", "3_8_2", 3.0),
        ("2_-1_1", "3_8_2", 4.0),
    ]
    assert {n.id: n.kind for n in graph.nodes}["0_2_1"] == "feature"
    assert "1 links that could be of either" in graph.notes[0]
    assert parse_graph(as_json(graph)).links == graph.links


# Hostile and broken files


def put(*keys, value):
    def change(data):
        at = data
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return change


def link(source, target, weight=1.0):
    return lambda data: data["links"].append({"source": source, "target": target, "weight": weight})


def again(index):
    return lambda data: data["nodes"].append(copy.deepcopy(data["nodes"][index]))


HOSTILE = {
    "a circle": (link("3_42_2", "1_7_1"), "run in a circle"),
    "a loop": (link("1_7_1", "1_7_1"), "run in a circle"),
    "NaN weight": (put("links", 0, "weight", value=float("nan")), r"at links\[0\]\.weight"),
    "infinite activation": (put("nodes", 0, "activation", value=float("inf")), r"at nodes\[0\]\.activation"),
    "NaN influence": (put("nodes", 0, "influence", value=float("nan")), r"at nodes\[0\]\.influence"),
    "NaN in the metadata": (put("metadata", "info", value={"x": float("nan")}), "not finite"),
    "a link twice": (link("1_7_1", "3_42_2", 7.0), "two links from '1_7_1'"),
    "a feature twice": (again(0), "share the id '1_7_1'"),
    "a token twice": (again(3), "share the id 'E_2_0'"),
    "an absurd layer": (put("nodes", 0, "layer", value="99999999"), "a layer is E or a number up to 1000"),
    "a negative layer": (put("nodes", 0, "layer", value=-3), "a layer is E"),
    "a layer of words": (put("nodes", 0, "layer", value="٣"), "a layer is E"),
    "a position beyond the text": (
        put("nodes", 0, "ctx_idx", value=3),
        "at position 3, but there are 3 tokens",
    ),
    "an absurd number": (put("nodes", 0, "feature", value=10**40), r"at nodes\[0\]\.feature"),
    "a probability of 7": (put("nodes", 6, "token_prob", value=7), r"token_prob"),
    "a path as slug": (put("metadata", "slug", value="../../etc/passwd"), "a slug names a file"),
    "a hidden slug": (put("metadata", "slug", value=".bashrc"), "a slug names a file"),
    "a slug with a line end": (put("metadata", "slug", value="a\nb"), "a slug names a file"),
    "no tokens": (put("metadata", "prompt_tokens", value=[]), r"metadata\.prompt_tokens"),
    "no nodes": (put("nodes", value=[]), "at nodes"),
    "nodes of another type": (put("nodes", value={"a": 1}), "at nodes"),
    "a long id": (put("nodes", 0, "node_id", value="x" * 300), "node_id"),
    "supernodes that are no list": (put("qParams", "supernodes", value="[[[["), "should be a list"),
    "an empty supernode": (put("qParams", "supernodes", value=[[]]), "supernodes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_gets_one_sentence(case):
    data = example()
    HOSTILE[case][0](data)
    with pytest.raises(GraphError, match=HOSTILE[case][1]) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a graph in JSON"),
        (b"{", "not a graph in JSON"),
        (b"[" * 100_000, "not a graph in JSON"),
        (b'{"metadata": "\xff"}', "not a graph in JSON"),
        (b"[]", "not a graph in JSON"),
        (b"{}", "at metadata"),
        (b"\x80\x04\x95pickle", "is a pickle"),
        (b"PK\x03\x04torch", "is a pickle"),
    ],
)
def test_what_is_no_graph_gets_one_sentence(tmp_path, data, why):
    path = tmp_path / "graph.json"
    path.write_bytes(data)
    with pytest.raises(GraphError, match=why):
        read_graph_file(path)


def test_a_huge_file_is_refused_by_its_size_alone(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)  # sparse
    with pytest.raises(GraphError, match="has 200 MB; graphs up to 100 MB are read"):
        read_graph_file(path)


@pytest.mark.parametrize("name", [".", "missing.json", "a\0b"])
def test_a_file_that_is_not_there_is_said(tmp_path, name):
    with pytest.raises(GraphError, match=r"There is no graph file|cannot be read"):
        read_graph_file(tmp_path / name)


def test_huge_and_tiny_weights_overflow_nothing():
    data = example()
    for at, weight in enumerate((1e308, 1e308, 1e-308, 5e-324)):
        data["links"][at]["weight"] = weight
    influence = flow_of(read(data)).influence
    assert influence["E_11_1"] == pytest.approx(influence["1_7_1"] / 2)
    assert influence["0_-1_1"] == 0.0


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.floats() | st.text(max_size=5), lambda x: st.lists(x, max_size=3), max_leaves=5
    )
)
def test_any_value_anywhere_is_read_or_refused(value):
    for keys in (
        ("qParams",),
        ("qParams", "pinnedIds"),
        ("nodes", 0),
        ("nodes", 0, "layer"),
        ("metadata", "x"),
    ):
        data = example()
        put(*keys, value=value)(data)
        try:
            graph = read(data)
        except GraphError:
            continue
        assert replace(parse_graph(as_json(graph)), notes=graph.notes) == graph


def test_a_graph_is_written_whole_or_not_at_all(tmp_path):
    graph = read(example())
    write_graph_file(graph, tmp_path / "out.json")
    assert read_graph_file(tmp_path / "out.json") == graph
    for bad in ("no/out.json", "out.json/x.json", "a\0b"):
        with pytest.raises(GraphError, match="cannot be written"):
            write_graph_file(graph, tmp_path / bad)
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


# A text of our own, written


@pytest.fixture(scope="module", params=["gemma3", "gpt2", "transcoders"])
def traced(request, tiny, tmp_path_factory):
    from tracer import Study, TracedStudy, load_transcoders

    if request.param == "transcoders":
        subject, folder = relu_subject(), tmp_path_factory.mktemp("sets") / "own-mlps"
        save_own_mlps(subject, folder)
        with own_precision(subject.model):
            study = Study(subject, "w5 w9 w33 w2 w71", 64, load_transcoders(str(folder)))
            yield TracedStudy(study.contrast(3, 50), nodes=60)
        return
    subject = tiny_subject(tiny, request.param)
    subject.tokenizer.bos_token = "w0"
    study = Study(subject, "w0 w5 w9 w33 w2 w71", 64)
    assert study.frozen.bos
    yield TracedStudy(study.contrast(3, 50), nodes=60)


@pytest.fixture
def written(traced):
    features = traced.features()
    groups = [("first", [f.id for f in features[:4]]), ("gone", ["L0.N1+@99"])]
    labels = {features[0].id: "a label"}
    return graph_file(traced, groups=groups, labels=labels, pinned=["LD", "T@1", features[0].id, "L0.N1+@99"])


def test_our_graph_comes_back_with_neurons_supernodes_pins_and_labels(traced, written):
    features = traced.features()
    back = parse_graph(as_json(written))
    assert back == written
    assert back.neurons == (traced.graph.basis == "neurons")
    assert back.details["transcoder_list"] == ([] if back.neurons else ["own-mlps"])
    assert {back.name(n): n.activation for n in back.nodes if n.kind == "feature"} == {
        f.id: near(f.activation) for f in features
    }
    nodes = {n.id: n for n in back.nodes}
    assert [(g.name, [back.name(nodes[m]) for m in g.members]) for g in back.groups] == [
        ("first", [f.id for f in features[:4]])
    ]
    assert [back.name(nodes[p]) for p in back.pinned][2] == features[0].id
    assert back.all_labels()[back.pinned[2]] == "a label"
    assert len(back.links) == int((traced.graph.edges[traced.pruned.edges] != 0).sum())
    for n in back.nodes:
        if n.kind == "feature":
            assert unpair(n.number) == (n.layer, n.feature)


def test_our_file_flows_as_our_graph_does(traced, written):
    graph, flow = traced.graph, flow_of(written)
    whole = graph.influence(traced.pruned.edges)
    p = flow.answer.probability
    names = {written.name(n): n.id for n in written.nodes if n.kind == "feature"}
    for source in range(graph.features):
        if traced.pruned.nodes[source]:
            seen = flow.influence[names[graph.id_of(source)]] / p
            assert abs(seen - float(whole[source])) < tolerance(1)
    assert flow.answer.target
    kinds = Counter(n.kind for n in written.nodes)
    assert kinds["token"] == 5
    assert kinds["bos"] == int(traced.pruned.nodes[graph.is_kind(Kind.BOS)].sum())


def test_the_written_influence_is_cumulative(traced, written):
    """As circuit-tracer means it: the shares of all nodes down to this one, strongest first."""
    influence = traced.pruned.influence
    total = float(influence.sum())
    ids = {traced.graph.id_of(i): i for i in range(traced.graph.features)}
    for n in written.nodes:
        if n.kind == "feature":
            own, rounding = influence[ids[written.name(n)]], tolerance(1)
            above = float(influence[influence > own].sum()) / total
            level = float(influence[influence == own].sum()) / total
            assert above - rounding < n.influence <= above + level + rounding
        if n.kind == "logit":
            assert n.influence is None


def test_our_file_has_every_field_that_neuronpedia_asks_for(written):
    data = json.loads(as_json(written))
    assert {"metadata", "qParams", "nodes", "links"} <= set(data)
    assert all(isinstance(data["metadata"][key], str) for key in ("slug", "scan", "prompt"))
    wanted = {
        "node_id": str,
        "layer": str,
        "ctx_idx": int,
        "feature_type": str,
        "jsNodeId": str,
        "clerp": str,
    }
    for n in data["nodes"]:
        assert {key: type(n[key]) for key in wanted} == wanted
        assert n["feature"] is None or isinstance(n["feature"], int)
    assert all(isinstance(x["weight"], float) for x in data["links"])


@pytest.mark.skipif(
    not SCHEMA.exists(), reason="needs Neuronpedia's schema: see tests/golden/graphs/README.md"
)
def test_our_file_is_valid_by_neuronpedia_s_schema(written):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(as_json(written)), schema)
    jsonschema.validate(json.loads(as_json(with_error_ids(written, old=False))), schema)
