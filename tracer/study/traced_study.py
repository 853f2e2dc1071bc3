"""A traced text as plain values: the pruned graph's nodes, edges and flows. No tensor leaves here.

Knows no supernodes and no names but a feature's own.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tracer.attribution import (
    CarriedConnection,
    Connection,
    Graph,
    Kind,
    Pruned,
    Role,
    Scores,
    Targets,
    Units,
    WrittenStream,
    attribute_heads,
    find_role,
    join_targets,
    largest,
    promoted_tokens,
    raised_tokens,
    weight_targets,
)
from tracer.errors import GraphError
from tracer.models import name_parts
from tracer.study.study import Contrast

SMALL = 150  # features a pruned graph keeps where it has so many; more are kept by influence


class Feature(NamedTuple):
    """A feature node of the pruned graph. `effect` is its signed total effect on answer - foil."""

    id: str
    layer: int
    position: int
    neuron: int
    sign: str
    activation: float
    influence: float
    effect: float
    direct: float
    role: Role
    promotes: tuple[str, ...]  # by its weights alone
    raises: tuple[str, ...]  # of the likeliest next tokens here
    fires_on: tuple[str, ...]


class Node(NamedTuple):
    """A node of the pruned graph that is no feature."""

    id: str
    kind: Kind
    layer: int
    position: int
    influence: float
    effect: float


class Edge(NamedTuple):
    """A direct effect: how much the source adds to the target."""

    source: str
    target: str
    weight: float


class TracedStudy:
    """A contrast with its graph: nodes, edges and flows as plain values."""

    def __init__(
        self,
        contrast: Contrast,
        nodes: int,
        progress: Callable[[float], None] = lambda _done: None,
    ) -> None:
        self.contrast, self.study = contrast, contrast.study
        self.graph: Graph = self.study.basis.trace(contrast.target, nodes, progress)
        self.study.rows += len(self.graph.edges)

    @cached_property
    def scores(self) -> Scores:
        """Completeness and replacement of the whole graph."""
        return self.graph.scores()

    @cached_property
    def pruned(self) -> Pruned:
        """The graph at the usual thresholds, 0.8 of node and 0.98 of edge influence."""
        return self.graph.prune(at_least=SMALL)

    @cached_property
    def kept(self) -> list[int]:
        """The sources that pruning kept, as indices."""
        return [int(i) for i in self.pruned.nodes.nonzero()[:, 0]]

    def features(self) -> list[Feature]:
        """The pruned graph's features, described; in the graph's order (layer, position, neuron)."""
        graph, frozen, basis = self.graph, self.study.frozen, self.study.basis
        kept = torch.tensor([i for i in self.kept if i < graph.features], dtype=torch.long)
        units = Units(graph.layer[kept], graph.position[kept], graph.neuron[kept])
        directions = basis.write_directions(units)
        promotes, (raises, _) = promoted_tokens(frozen, directions, 5), raised_tokens(frozen, directions, 3)
        fires = basis.firing(units)
        direct, tokens = graph.edges[-1, kept], name_parts(frozen.tokens)
        return [
            Feature(
                id=graph.id_of(source),
                layer=int(graph.layer[source]),
                position=int(graph.position[source]),
                neuron=int(graph.neuron[source]),
                sign="+" if graph.activation[source] >= 0 else "-",
                activation=float(graph.activation[source]),
                influence=float(self.pruned.influence[source]),
                effect=float(graph.effect[source]),
                direct=float(direct[i]),
                role=find_role(
                    graph.layers,
                    frozen.length,
                    int(graph.layer[source]),
                    int(graph.position[source]),
                    fires[i],
                    float(direct[i]),
                    float(graph.effect[source]),
                ),
                promotes=tuple(promotes[i]),
                raises=tuple(raises[i]),
                fires_on=tuple(dict.fromkeys(tokens[p] for p in fires[i][:4])),
            )
            for i, source in enumerate(kept.tolist())
        ]

    def others(self) -> list[Node]:
        """The pruned graph's tokens, errors, BOS and bias nodes."""
        graph = self.graph
        kinds = tuple(Kind)
        return [
            Node(
                id=graph.id_of(i),
                kind=kinds[int(graph.kind[i])],
                layer=int(graph.layer[i]),
                position=int(graph.position[i]),
                influence=float(self.pruned.influence[i]),
                effect=float(graph.effect[i]),
            )
            for i in self.kept
            if i >= graph.features
        ]

    def edges(self, limit: int) -> list[Edge]:
        """The pruned graph's edges with the largest share of influence, strongest first; LD is the root."""
        graph = self.graph
        shares = graph.shares() * self.pruned.edges
        visits = torch.cat([self.pruned.influence[: graph.features], shares.new_ones(1)])
        score = (shares * visits[:, None]).flatten()
        order = largest(score, min(limit, int((score > 0).sum()))).tolist()
        columns = shares.shape[1]
        return [
            Edge(
                graph.id_of(i % columns),
                self._target_id(i // columns),
                float(graph.edges.flatten()[i]),
            )
            for i in order
        ]

    def _target_id(self, row: int) -> str:
        return self.graph.id_of(row) if row < self.graph.features else "LD"

    @property
    def edge_count(self) -> int:
        """How many edges pruning kept."""
        return int(self.pruned.edges.sum())

    @property
    def node_count(self) -> int:
        """How many nodes pruning kept, the root included."""
        return len(self.kept) + 1

    def flows(
        self, groups: Sequence[Sequence[str]]
    ) -> tuple[list[list[float]], list[list[float]], list[float]]:
        """How much of the effect on the root passes from group to group, token to group, group to root.

        flow(S -> T) = sum over members of edge(t, s) * effect(t) / activation(t): over all sources it adds
        up to T's total effect. Returns (group x group), (group x position) and each group's direct effect.
        """
        graph = self.graph
        index = self._index
        members = [[index[name] for name in group if name in index] for group in groups]
        slope = (graph.effect / torch.where(graph.activation == 0, torch.inf, graph.activation)).double()
        edges = graph.edges.double()
        tokens = {int(graph.position[i]): i for i in range(len(graph.kind)) if int(graph.layer[i]) == -1}
        between, from_token, direct = [], [], []
        for target in members:
            into = (edges[target] * slope[target, None]).sum(0)
            between.append([float(into[source].sum()) for source in members])
            from_token.append([float(into[tokens[p]]) for p in range(len(graph.tokens))])
            direct.append(float(edges[-1, target].sum()))
        return between, from_token, direct

    def next_flows(self, ids: Sequence[str]) -> Float[Tensor, "source target"]:
        """What each of these features adds to every node of the graph, counted as effect on the root."""
        graph = self.graph
        slope = (graph.effect / torch.where(graph.activation == 0, torch.inf, graph.activation)).double()
        edges = graph.edges.double()[:, [self._index[name] for name in ids]]
        worth = torch.cat([slope[: len(edges) - 1], slope.new_ones(1)])
        return (edges * worth[:, None]).T

    def heads(
        self, pairs: Sequence[tuple[Sequence[str], Sequence[str]]], count: int = 3
    ) -> list[CarriedConnection]:
        """Which attention heads carry the direct effect of each pair's sources on its targets.

        Sources are ids of features and tokens (T@3), targets ids of features and LD; amounts are in the
        units of `flows`, and a pair's total is the sum of its flows. Raises GraphError for any other id.
        """
        named = list(dict.fromkeys(name for _, targets in pairs for name in targets if name != "LD"))
        felt = self._felt(named)
        place = {name: i for i, name in enumerate(named)} | {"LD": len(named)}
        connections = [
            Connection(self._written(sources), felt.pick(torch.tensor([place[name] for name in targets])))
            for sources, targets in pairs
        ]
        return attribute_heads(self.study.frozen, connections, count, linear=self.study.basis.linear)

    def _written(self, sources: Sequence[str]) -> dict[int, WrittenStream]:
        tokens = [name for name in sources if name.startswith("T@")]
        if not all(name[2:].isdecimal() and int(name[2:]) < len(self.study.tokens) for name in tokens):
            raise GraphError(f"This text has no such tokens: {', '.join(tokens)}.")
        units = self.study.units([name for name in sources if not name.startswith("T@")])
        return self.study.basis.written_by(units, [int(name[2:]) for name in tokens])

    def _felt(self, names: Sequence[str]) -> Targets:
        """These features, each counted by effect / activation, and the root."""
        graph = self.graph
        if unknown := [name for name in names if name not in self._index]:
            raise GraphError(f"The graph explains no {', '.join(unknown)}.")
        rows = torch.tensor([self._index[name] for name in names], dtype=torch.long)
        acts = graph.activation[rows]
        slope = graph.effect[rows] / torch.where(acts == 0, torch.inf, acts)
        features = self.study.basis.targets(
            Units(graph.layer[rows], graph.position[rows], graph.neuron[rows])
        )
        return join_targets([weight_targets(features, slope), self.contrast.target])

    @cached_property
    def _index(self) -> dict[str, int]:
        """The features' places in the graph."""
        return {self.graph.id_of(i): i for i in range(self.graph.features)}

    def raised_together(self, ids: Sequence[str], k: int) -> tuple[list[str], list[str]]:
        """Of the likeliest next tokens, those a group raises and lowers most, its writes added up."""
        frozen = self.study.frozen
        whole = self.study.basis.write_directions(self.study.units(ids)).sum(0, keepdim=True)
        up, down = raised_tokens(frozen, whole, k)
        return up[0], down[0]
