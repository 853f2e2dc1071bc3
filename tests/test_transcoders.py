"""Transcoder features as a basis: rows, edges and graphs are exact on tiny models of every family."""

from dataclasses import replace

import pytest
import torch
from frozen_reference import FrozenRun, feature_rows, own_precision
from tests_support import FAMILIES, freeze_words, random_transcoders, tiny_subject
from tolerance import SHARPENED, SUM, assert_close, size_of, tolerance

from tracer.attribution.attribute import trace
from tracer.attribution.backward_sweep import direct_rows
from tracer.attribution.graph import Kind, load_graph
from tracer.attribution.targets import final_direction, logit_difference, logit_targets
from tracer.errors import TranscodersError
from tracer.models.families import part
from tracer.transcoders.attribute import likeliest_roots, named_roots, trace_transcoders
from tracer.transcoders.sources import feature_sources
from tracer.transcoders.transcoders import (
    InMemoryTable,
    Nonlinearity,
    Reads,
    active_features,
    feature_targets,
    read_input,
)

ANSWER, FOIL = 3, 50
KINDS = {
    "relu": {"kind": "relu"},
    "jumprelu and skip": {"kind": "jumprelu", "skip": True},
    "topk of the stream, skip": {"kind": "topk", "skip": True, "reads": Reads.STREAM},
    "cross-layer before the gain": {"kind": "jumprelu", "span": 9, "reads": Reads.NORMALIZED},
    "cross-layer and skip": {"kind": "relu", "span": 9, "skip": True},
}


@pytest.fixture(params=FAMILIES, scope="module")
def frozen(request, tiny):
    subject = tiny_subject(tiny, request.param)
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


@pytest.fixture(scope="module")
def llama(tiny):
    subject = tiny_subject(tiny, "llama")
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


def modules_of(frozen, before_post_norm=False):
    family = frozen.subject.family
    behind = None if before_post_norm else family.post_mlp
    return [
        (part(b, behind or family.mlp), part(b, family.mlp), part(b, family.pre_mlp))
        for b in frozen.subject.blocks
    ]


def all_rows(frozen, transcoders, zero=0):
    active = active_features(frozen, transcoders, zero)
    sources = feature_sources(frozen, transcoders, active)
    targets = feature_targets(frozen, transcoders, active)
    rows = direct_rows(frozen, targets, sources)
    return (
        active,
        sources,
        targets,
        rows,
        direct_rows(frozen, logit_difference(frozen, ANSWER, FOIL), sources),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_feature_rows_equal_autograd_and_add_up(frozen, kind):
    rows_equal_autograd(frozen, random_transcoders(frozen, **KINDS[kind]))


@pytest.mark.parametrize("family", ["gemma2", "gemma3"])
@pytest.mark.parametrize("kind", ["jumprelu and skip", "cross-layer and skip"])
def test_what_is_written_before_a_norm_passes_it(tiny, family, kind):
    subject = tiny_subject(tiny, family)
    with own_precision(subject.model):
        frozen = freeze_words(subject, 7)
        made = random_transcoders(frozen, **KINDS[kind])
        rows_equal_autograd(frozen, replace(made, before_post_norm=True))


def rows_equal_autograd(frozen, transcoders):
    active, sources, targets, rows, root = all_rows(frozen, transcoders)
    units, some = active.units, range(0, len(active.acts), 17)
    wanted = [
        (
            int(units.layer[i]),
            int(units.position[i]),
            transcoders.layers[units.layer[i]].encoder.rows[units.neuron[i]],
        )
        for i in some
    ]
    mine = torch.cat([rows[list(some)], root])
    features, errors, tokens = feature_rows(
        frozen, transcoders, [*wanted, (ANSWER, FOIL)], modules_of(frozen, transcoders.before_post_norm)
    )
    theirs = features[:, units.layer, units.position, units.neuron]
    assert_close(mine[:, : sources.error_column], theirs, SHARPENED)
    assert_close(mine[:, sources.error_column : sources.token_column], errors.flatten(1), SHARPENED)
    assert_close(mine[:, sources.token_column : sources.bias_column], tokens, SHARPENED)
    assert_close(rows.sum(1), targets.value, SHARPENED, size=size_of(rows))
    assert_close(root.sum(1), logit_difference(frozen, ANSWER, FOIL).value, SHARPENED, size=size_of(root))


@pytest.mark.parametrize("kind", ["jumprelu and skip", "cross-layer and skip"])
def test_an_edge_equals_a_measured_frozen_intervention(frozen, kind):
    transcoders = random_transcoders(frozen, **KINDS[kind])
    active, sources, _, rows, root = all_rows(frozen, transcoders)
    modules = modules_of(frozen)
    run = FrozenRun(
        frozen, [m[0] for m in modules], [m[1] for m in modules], lambda i, x: x @ transcoders.layers[i].skip
    )
    units = active.units
    encoders = torch.stack(
        [
            transcoders.layers[layer].encoder.rows[f]
            for layer, _, f in zip(*(u.tolist() for u in units), strict=True)
        ]
    )
    for column in [*range(0, len(active.acts), 37), sources.error_column + 9, sources.token_column + 2]:
        inputs, logits = 0, 0
        for added in written_by(frozen, transcoders, sources, column):
            moved, shifted = run.shift(*added)
            inputs, logits = inputs + moved, logits + shifted
        seen = (inputs[units.layer, units.position] * encoders).sum(-1)
        assert_close(rows[:, column], seen, SHARPENED, size=size_of(rows))
        assert_close(root[0, column], logits[ANSWER] - logits[FOIL], SHARPENED, size=size_of(root))


def written_by(frozen, transcoders, sources, column):
    """What one column's source adds to the stream: (layer, position, vector), once a layer it writes at."""
    if column >= sources.token_column:
        position = column - sources.token_column
        return [(-1, position, frozen.embedded[position])]
    if column >= sources.error_column:
        layer, position = divmod(column - sources.error_column, frozen.length)
        return [(layer, position, sources.errors[layer][position])]
    return [
        (layer, position, block.rows[i])
        for layer, row in enumerate(sources.blocks)
        for position, block in enumerate(row)
        for i in (block.columns == column).nonzero()[:, 0].tolist()
    ]


def test_activations_are_those_of_the_formulas(llama):
    x = read_input(llama.layers[1], Reads.MLP)
    for kind in ("relu", "jumprelu", "topk"):
        layer = random_transcoders(llama, kind=kind).layers[1]
        pre = x @ layer.encoder.rows.T + layer.encoder_bias
        wanted = pre.clamp_min(0)
        if kind == "jumprelu":
            wanted = torch.where(pre > layer.nonlinearity.threshold, pre, 0)
        if kind == "topk":
            wanted = torch.where(pre >= pre.sort(descending=True).values[:, 6:7], pre, 0)
        assert_close(layer.encode(x), wanted, SUM)


def test_topk_keeps_negative_values_and_a_threshold_is_strict():
    pre = torch.tensor([[-3.0, -1.0, -2.0]])
    assert Nonlinearity(k=2)(pre).tolist() == [[0.0, -1.0, -2.0]]
    assert Nonlinearity(torch.tensor([1.0, 1.0, 1.0]))(torch.tensor([[1.0, 1.5, 0.0]])).tolist() == [
        [0, 1.5, 0]
    ]


def test_a_cross_layer_set_that_writes_at_home_only_equals_a_per_layer_one(llama):
    plain = random_transcoders(llama)
    layers = []
    for index, layer in enumerate(plain.layers):
        rows = torch.zeros(len(layer.encoder_bias), len(plain.layers) - index, 32, dtype=torch.float64)
        rows[:, 0] = layer.decoder.rows
        layers.append(replace(layer, decoder=InMemoryTable(rows)))
    at_home = replace(plain, layers=tuple(layers))
    assert_close(all_rows(llama, plain)[3], all_rows(llama, at_home)[3], SHARPENED)


@pytest.mark.parametrize("rest_apart", [False, True])
@pytest.mark.parametrize("kind", ["jumprelu and skip", "cross-layer and skip"])
def test_a_graph_adds_up_whatever_is_left_out(llama, kind, rest_apart):
    transcoders = random_transcoders(llama, **KINDS[kind])
    for nodes in (20, 10**6):
        graph = trace_transcoders(
            llama, transcoders, max_feature_nodes=nodes, a_round=8, zero_positions=1, rest_apart=rest_apart
        )
        assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)
        assert_close(graph.influence()[graph.features :].sum(), 1.0, SHARPENED)
    rest = graph.edges[:, graph.is_kind(Kind.REST)]
    assert not rest.any()
    assert not (graph.position[: graph.features] == 0).any()
    assert graph.id_of(0).startswith("L0.F")


def test_effects_are_those_of_removing_a_source_from_the_whole_graph(llama):
    transcoders = random_transcoders(llama)
    graph = trace_transcoders(llama, transcoders, max_feature_nodes=10**6)
    features = graph.features
    jacobian = graph.edges[:features, :features] / graph.activation[:features]
    total = torch.linalg.inv(torch.eye(features, dtype=torch.float64) - jacobian)
    wanted = (
        (graph.edges[features, :features] / graph.activation[:features]) @ total * graph.activation[:features]
    )
    assert_close(graph.effect[:features], wanted, SHARPENED)


def test_roots_count_by_their_weight_and_come_back_from_a_file(llama, tmp_path):
    transcoders = random_transcoders(llama)
    roots = likeliest_roots(llama, count=3, share=1.0)
    assert len(roots.names) == 3
    assert_close(roots.weights, llama.logits.softmax(-1).topk(3).values, SUM)
    graph = trace_transcoders(llama, transcoders, roots, max_feature_nodes=50)
    graph.save(tmp_path / "g")
    back = load_graph(tmp_path / "g")
    assert torch.equal(back.weights, graph.weights)
    assert back.id_of(0) == graph.id_of(0)
    assert torch.equal(back.influence(), graph.influence())
    only = named_roots(roots.targets, roots.names, [0.0, 0.0, 1.0])
    alone = named_roots(roots.targets.pick(torch.tensor([2])), roots.names[2:], [0.5])
    both = [
        trace_transcoders(llama, transcoders, r, max_feature_nodes=10**6).influence() for r in (only, alone)
    ]
    assert_close(*both, SHARPENED)


def test_a_feature_a_token_at_any_position_and_a_direction_can_be_the_root(llama):
    transcoders = random_transcoders(llama, kind="jumprelu", skip=True)
    active, sources, targets, rows, _ = all_rows(llama, transcoders)
    pick = len(active.acts) * 3 // 4
    feature = named_roots(targets.pick(torch.tensor([pick])), ["a feature"], [1.0])
    graph = trace_transcoders(llama, transcoders, feature, max_feature_nodes=10**6)
    assert_close(graph.edges[-1, : graph.features], rows[pick, : sources.error_column], SHARPENED)
    unembed, logits = llama.subject.unembedding, llama.subject.model(llama.ids[None]).logits[0]
    early = logit_targets(llama, [ANSWER], position=3)
    assert_close(early.value[0], logits[3, ANSWER] - logits[3].mean(), SHARPENED, size=size_of(logits))
    way = final_direction(llama, 2 * unembed[ANSWER] - unembed[FOIL], unembed.new_zeros(()))
    assert_close(way.value[0], 2 * logits[-1, ANSWER] - logits[-1, FOIL], SHARPENED, size=size_of(logits))
    for targets in (early, way):
        graph = trace_transcoders(
            llama, transcoders, named_roots(targets, ["x"], [1.0]), max_feature_nodes=40
        )
        assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)


def test_a_chats_prefix_holds_no_feature_and_its_nodes_have_their_own_ids(llama):
    target = logit_difference(llama, ANSWER, FOIL)
    for graph in (
        trace_transcoders(llama, random_transcoders(llama), max_feature_nodes=40, zero_positions=3),
        trace(llama, target, "LD", nodes=40, zero_positions=3),
    ):
        assert graph.residual() < tolerance(1, SHARPENED, graph.edges.dtype)
        assert bool((graph.position[: graph.features] >= 3).all())
        assert bool((graph.position[graph.is_kind(Kind.ERROR)] >= 3).all())
        names = [graph.id_of(i) for i in range(len(graph.kind))]
        assert len(set(names)) == len(names)
        assert int(graph.is_kind(Kind.BOS).sum()) == 3 * graph.layers


def test_transcoders_of_another_model_are_refused(llama, tiny):
    other = freeze_words(tiny_subject(tiny, "gpt2"), 7)
    short = replace(random_transcoders(other), layers=random_transcoders(other).layers[:2])
    with pytest.raises(TranscodersError, match="2 layers"):
        active_features(other, short, 0)
