"""The graph on tiny models: mass is kept, pruning is monotone, files come back, errors hold the rest."""

import pytest
import torch
from tests_support import FAMILIES, tiny_frozen
from tolerance import assert_close, tolerance

from tracer import GraphError
from tracer.attribution.attribute import trace
from tracer.attribution.graph import KINDS, Kind, load_graph
from tracer.attribution.targets import logit_difference


@pytest.fixture(params=FAMILIES, scope="module")
def graph(request, tiny):
    frozen = tiny_frozen(tiny, request.param)
    return trace(frozen, logit_difference(frozen, 3, 50), "LD", nodes=60)


def test_every_row_adds_up_with_the_unchosen_rest_as_errors(graph):
    assert graph.residual() < tolerance(1)
    assert graph.features == 60


def test_influence_ends_in_the_nodes_that_are_no_feature(graph):
    influence = graph.influence()
    assert_close(influence[graph.features :].sum(), 1.0)
    assert bool((influence >= 0).all())


def test_edges_only_run_to_later_layers(graph):
    for target in range(graph.features):
        sources = graph.edges[target].nonzero()[:, 0]
        assert int(graph.layer[sources].max()) < int(graph.layer[target])
        assert int(graph.position[sources].max()) <= int(graph.position[target])


def test_pruning_keeps_less_and_less_and_never_a_loose_end(graph):
    sizes = []
    for share in (0.95, 0.8, 0.5):
        pruned = graph.prune(share)
        kept = pruned.nodes[: graph.features]
        sizes.append(int(kept.sum()))
        assert bool(pruned.edges[: graph.features].any(1)[kept].all())
        assert bool(pruned.edges.any(0)[: graph.features][kept].all())
    assert sizes == sorted(sizes, reverse=True)
    assert graph.prune(1.0).kept_influence > 0.99


def test_scores_are_shares(graph):
    scores = graph.scores()
    assert 0 <= scores.replacement_strict <= scores.replacement <= 1
    assert 0 <= scores.completeness_strict <= scores.completeness <= 1


def test_scores_follow_their_definition_on_a_graph_done_by_hand():
    from tracer.attribution.graph import Graph

    # token T0 -> feature F (3), error E -> F (1); F -> root (2), token -> root (2): by hand
    kinds = [Kind.FEATURE, Kind.ERROR, Kind.TOKEN]
    graph = Graph(
        kind=torch.tensor([KINDS.index(k) for k in kinds]),
        layer=torch.tensor([1, 0, -1]),
        position=torch.zeros(3, dtype=torch.long),
        neuron=torch.tensor([7, -1, -1]),
        activation=torch.tensor([4.0, 0.0, 0.0]),
        effect=torch.tensor([2.0, 0.0, 2.0]),
        edges=torch.tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 2.0]]),
        value=torch.tensor([4.0, 4.0]),
        tokens=("a",),
        layers=2,
        roots=("LD",),
    )
    assert graph.influence().tolist() == pytest.approx([0.5, 0.125, 0.875])
    scores = graph.scores()
    assert scores.replacement == pytest.approx(0.875)
    assert scores.completeness == pytest.approx((0.5 * 0.75 + 1) / 1.5)
    assert [graph.id_of(i) for i in range(3)] == ["L1.N7+@0", "E0@0", "T@0"]


def test_a_saved_graph_comes_back_and_a_damaged_one_is_refused(graph, tmp_path):
    graph.save(tmp_path / "graph")
    again = load_graph(tmp_path / "graph")
    assert torch.equal(again.edges, graph.edges)
    assert again.tokens == graph.tokens
    (tmp_path / "graph.safetensors").write_bytes(b"\x08\x00\x00\x00")
    with pytest.raises(GraphError, match="damaged"):
        load_graph(tmp_path / "graph")
    with pytest.raises(GraphError, match="no readable graph"):
        load_graph(tmp_path / "nothing")


def test_more_nodes_explain_more(tiny):
    frozen = tiny_frozen(tiny, "llama")
    target = logit_difference(frozen, 3, 50)
    shares = [trace(frozen, target, "LD", nodes=n).scores().unexplored for n in (20, 100, 400)]
    assert shares == sorted(shares, reverse=True)
