"""A graph as circuit-tracer 0.5.0 sees it: its matrix, pruning and scores, number for number.

Nodes in its order: features, errors (layer by layer), tokens, logits. It has no bias node, no BOS errors, and
drops features that were not chosen; the shares of a row are taken without them. Knows no files.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tracer.attribution.graph import Graph, Kind


class PeerPruned(NamedTuple):
    """What the peer keeps, and its cumulative share of influence by node (small is important)."""

    nodes: Bool[Tensor, " node"]
    edges: Bool[Tensor, "node node"]
    cumulative: Float[Tensor, " node"]


class PeerScores(NamedTuple):
    """The peer's two scores; its completeness counts leaves as complete."""

    replacement: float
    completeness: float


class PeerView:
    """The peer's reading of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.features, self.roots, self.tokens = graph.features, len(graph.roots), len(graph.tokens)
        self.errors = graph.layers * self.tokens
        sources = self.features + self.errors + self.tokens
        nodes = sources + self.roots
        self.matrix = graph.edges.new_zeros(nodes, nodes)  # rows are targets
        edges = graph.edges[:, :sources] * ~(graph.is_kind(Kind.BOS) & (graph.layer >= 0))[:sources]
        self.matrix[: self.features, :sources] = edges[: self.features]
        self.matrix[sources:, :sources] = edges[self.features :]
        self.weights = self.matrix.new_zeros(nodes)
        self.weights[sources:] = graph.root_weights.to(edges) if graph.weights is None else graph.weights

    def influence(self) -> Float[Tensor, " node"]:
        """Influence of every node on the logits."""
        return _influence(_shares(self.matrix), self.weights)

    def prune(self, nodes: float = 0.8, edges: float = 0.98) -> PeerPruned:
        """Its pruning, ties kept as it keeps them."""
        influence = self.influence()
        kept = influence >= _threshold(influence, nodes)
        inner = len(kept) - self.roots - self.tokens
        kept[inner:] = True
        shares = _shares(self.matrix * kept[:, None] * kept[None, :])
        score = shares * (_influence(shares, self.weights) + self.weights)[:, None]
        kept_edges = score >= _threshold(score.flatten(), edges)
        while True:
            alive = kept.clone()
            alive[:inner] &= kept_edges[:, :inner].any(0)
            alive[: self.features] &= kept_edges[: self.features].any(1)
            if torch.equal(alive, kept):
                break
            kept = alive
            kept_edges = kept_edges & kept[:, None] & kept[None, :]
        ordered, order = influence.sort(descending=True, stable=True)
        cumulative = torch.zeros_like(influence)
        cumulative[order] = ordered.cumsum(0) / ordered.sum()
        return PeerPruned(kept, kept_edges, cumulative)

    def scores(self) -> PeerScores:
        """Its replacement and completeness scores."""
        shares = _shares(self.matrix)
        influence = _influence(shares, self.weights)
        errors = slice(self.features, self.features + self.errors)
        tokens = slice(errors.stop, errors.stop + self.tokens)
        arrived, lost = influence[tokens].sum(), influence[errors].sum()
        felt = influence + self.weights
        explained = 1 - shares[:, errors].sum(1)
        return PeerScores(float(arrived / (arrived + lost)), float((explained * felt).sum() / felt.sum()))


def _shares(matrix: Float[Tensor, "node node"]) -> Float[Tensor, "node node"]:
    size = matrix.abs()
    return size / size.sum(1, keepdim=True).clamp_min(1e-10)


def _influence(shares: Float[Tensor, "node node"], weights: Float[Tensor, " node"]) -> Float[Tensor, " node"]:
    """weights @ (A + A^2 + …); the series ends because edges only run upwards."""
    step = weights @ shares
    total = step.clone()
    while step.any():
        step = step @ shares
        total += step
    return total


def _threshold(scores: Float[Tensor, " item"], share: float) -> Float[Tensor, ""]:
    """The score at which the largest ones together hold this share."""
    ordered = scores.sort(descending=True).values
    reached = ordered.cumsum(0) / ordered.sum()
    place = min(int(torch.searchsorted(reached, share)), len(ordered) - 1)
    return ordered[place]
