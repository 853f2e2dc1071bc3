"""The certified stop: its bound holds, and what it expects of the unexplored is close to the truth."""

import math

import pytest
import torch
from frozen_reference import own_precision
from tests_support import freeze_words, random_transcoders, tiny_subject
from tolerance import SHARPENED, tolerance
from torch.utils._python_dispatch import TorchDispatchMode

from tracer import Study
from tracer.attribution.attribute import EPSILON, trace
from tracer.attribution.graph import Kind, load_graph
from tracer.attribution.targets import logit_difference
from tracer.autointerp import write_directions
from tracer.errors import TracerError
from tracer.models.processor import bfloat16_takes, check_products, quickest_dtype
from tracer.transcoders.attribute import trace_transcoders


@pytest.fixture(scope="module")
def llama(tiny):
    subject = tiny_subject(tiny, "llama")
    with own_precision(subject.model):
        yield freeze_words(subject, 7)


def by_id(graph, values):
    return {graph.id_of(i): float(v) for i, v in enumerate(values)}


@pytest.fixture(scope="module", params=["neurons", "transcoders"])
def graph_at(request, llama):
    """epsilon -> graph; 0 expands everything."""
    transcoders = random_transcoders(llama)

    def make(epsilon):
        if request.param == "neurons":
            return trace(llama, logit_difference(llama, 3, 50), "LD", candidates=320, epsilon=epsilon)
        return trace_transcoders(
            llama, transcoders, max_feature_nodes=10**6, epsilon=epsilon, rest_apart=True
        )

    return make


def test_no_influence_is_off_by_more_than_the_bound(graph_at):
    full = graph_at(0.0)
    rounding = tolerance(1, SHARPENED, full.edges.dtype)
    assert abs(full.unexplored) < rounding
    whole = by_id(full, full.influence())
    fewer = []
    for epsilon in (0.05, 0.2, 0.4):
        graph = graph_at(epsilon)
        assert 0 < graph.unexplored <= epsilon
        assert graph.residual() < rounding
        fewer.append(graph.features)
        for name, known in by_id(graph, graph.influence()).items():
            if name not in {"R", "B"}:
                assert abs(whole[name] - known) <= graph.unexplored + rounding
    assert full.features > fewer[0] >= fewer[1] >= fewer[2]


def test_pruning_keeps_what_the_full_expansion_keeps(llama, tmp_path):
    target = logit_difference(llama, 3, 50)
    full, some = (trace(llama, target, "LD", candidates=320, epsilon=e) for e in (0.0, 0.3))
    assert some.features < full.features
    kept = [{g.id_of(i) for i in g.prune().nodes.nonzero()[:, 0].tolist()} for g in (full, some)]
    assert len(kept[0] & kept[1]) / len(kept[0] | kept[1]) > 0.9
    assert bool(some.is_kind(Kind.REST).any())
    some.save(tmp_path / "g")
    back = load_graph(tmp_path / "g")
    assert (back.unexplored, back.error) == (some.unexplored, None)
    assert torch.equal(back.prune().nodes, some.prune().nodes)


def test_the_default_finds_the_full_graph_on_a_real_text(embedded_subject):
    study = Study(embedded_subject, "Texas, whose capital is", 64)
    target = study.contrast(study.token(" Austin").token_id, study.token(" Houston").token_id).target
    some, full = (trace(study.frozen, target, "LD", candidates=2_000, epsilon=e) for e in (EPSILON, 0.0))
    kept = [{g.id_of(i) for i in g.prune().nodes.nonzero()[:, 0].tolist()} for g in (full, some)]
    assert full.features == 2_000
    assert some.features < 1_000
    assert len(kept[0] & kept[1]) / len(kept[0] | kept[1]) >= 0.95


def test_coarser_products_state_their_error(llama):
    transcoders = random_transcoders(llama)
    exact, single = (
        trace_transcoders(llama, transcoders, max_feature_nodes=60, products=p) for p in (None, torch.float32)
    )
    assert exact.error is None
    assert set(single.neuron.tolist()) == set(exact.neuron.tolist())
    off = (single.edges - exact.edges).abs().amax(1) / exact.edges.abs().amax(1)
    assert 1e-9 < float(off.max()) < 2 * single.error < 1e-4
    if quickest_dtype() == torch.bfloat16:  # refused elsewhere
        rough = trace_transcoders(llama, transcoders, max_feature_nodes=60, products=torch.bfloat16)
        assert single.error < rough.error


@pytest.mark.parametrize(("takes", "told"), [(math.inf, "has no instructions"), (12.3, "take 12.3 times")])
def test_products_that_gain_nothing_are_refused(takes, told):
    with pytest.raises(TracerError, match=told):
        check_products(torch.bfloat16, takes)
    check_products(torch.float32, takes)
    check_products(torch.bfloat16, 0.4)


def test_what_is_quicker_is_measured_once():
    assert (quickest_dtype() == torch.bfloat16) == (bfloat16_takes() < 1)
    assert bfloat16_takes.cache_info().misses == 1


class _Products(TorchDispatchMode):
    """Notes in which types matrices are multiplied."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in (torch.ops.aten.mm.default, torch.ops.aten.matmul.default):
            self.seen.add(args[0].dtype)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("quick", [torch.float32, torch.bfloat16])
def test_what_features_write_is_compared_in_the_quicker_type(tiny, monkeypatch, quick):
    monkeypatch.setattr(write_directions, "quickest_dtype", lambda: quick)
    subject = tiny_subject(tiny, "llama")
    vectors = torch.nn.functional.normalize(torch.randn(subject.layers, 12, subject.shape.d_model), dim=-1)
    with _Products() as products:
        lens = write_directions.make_lens(subject, lambda layer: vectors[layer], 12, 3)
        near, _ = write_directions.find_neighbours(
            lambda layer: vectors[layer], subject.layers, 0, range(12), 2
        )
    assert products.seen == {quick}
    assert lens.up.shape == (subject.layers, 12, 3)
    flat = (vectors[0] @ vectors.flatten(0, 1).T).fill_diagonal_(0).abs()
    best = flat.topk(3).indices  # rounding may exchange two that are nearly equal
    assert all(int(near[2 * row, 0]) // 2 in best[row].tolist() for row in range(12))
