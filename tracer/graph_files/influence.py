"""Influence, scores and the strongest path of a graph that came from a file. Knows no model, only its links.

Influence and scores follow `tracer.attribution.graph` and circuit-tracer (0.5.0): walk down from the logits
along |weights|, each node's inputs scaled to sum 1. Of a pruned file they say what holds within the file.
"""

from dataclasses import dataclass
from typing import NamedTuple

from tracer.errors import GraphError
from tracer.graph_files.formats import FileLink, FileNode, GraphFile, downward


class FileScores(NamedTuple):
    """As `Scores` of a graph; `completeness_peer` as circuit-tracer counts it, over leaves as well."""

    completeness: float
    completeness_peer: float
    replacement: float
    unexplored: float


class FilePath(NamedTuple):
    """A chain of nodes from a token to a logit, and the share of the logit's inputs that comes this way."""

    nodes: tuple[FileNode, ...]
    weights: tuple[float, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Flow:
    """What passes where, by node id."""

    graph: GraphFile
    order: list[str]  # every node after all it feeds
    into: dict[str, list[tuple[FileLink, float]]]  # what feeds a node, with its share
    weight: dict[str, float]  # each logit's part in the question
    influence: dict[str, float]

    @property
    def answer(self) -> FileNode:
        """The logit the graph is mostly about: its marked target, else the most probable."""
        logits = [n for n in self.graph.nodes if n.kind == "logit"]
        return max(logits, key=lambda n: (n.target, n.probability))

    def top(self, kind: str) -> list[FileNode]:
        """The nodes of a kind, most important first: by what the file says of the whole graph, if it does."""
        nodes = [n for n in self.graph.nodes if n.kind == kind]
        if any(n.influence is None for n in nodes):
            return sorted(nodes, key=lambda n: (-self.influence[n.id], n.id))
        return sorted(nodes, key=lambda n: (n.influence or 0.0, -self.influence[n.id], n.id))

    def direct(self, source: str) -> float:
        """The weight of a node's own link into the answer, 0 where there is none."""
        return next((link.weight for link, _ in self.into[self.answer.id] if link.source == source), 0.0)

    def scores(self) -> FileScores | None:
        """How much of the influence ends in words; None where the file holds too little to say."""
        kind = {n.id: n.kind for n in self.graph.nodes}
        errors = {name for name, what in kind.items() if what == "error"}
        words = sum(self.influence[name] for name, what in kind.items() if what == "token")
        unexplored = sum(self.influence[name] for name in errors)
        if not errors or not words + unexplored:
            return None
        visits = {name: self.influence[name] + self.weight.get(name, 0.0) for name in kind}
        lost = {
            name: sum(share for link, share in links if link.source in errors)
            for name, links in self.into.items()
        }
        missing = sum(visits[name] * share for name, share in lost.items())
        inner = sum(visits[name] for name, what in kind.items() if what in {"feature", "logit"})
        return FileScores(
            completeness=1 - missing / inner,
            completeness_peer=1 - missing / sum(visits.values()),
            replacement=words / (words + unexplored),
            unexplored=unexplored / sum(self.weight.values()),
        )

    def strongest_path(self, skip: frozenset[str] = frozenset()) -> FilePath | None:
        """The chain token -> features -> answer with the largest product of shares that adds to the answer.

        A chain that turns the sign twice adds as well. `skip` names tokens that are no word (BOS). A token's
        own link into the answer counts only where no chain through a feature does.
        """
        end = self.answer.id
        best: dict[tuple[str, bool], tuple[float, FileLink | None]] = {(end, True): (1.0, None)}
        for target in self.order:
            for adds in (True, False):
                if (target, adds) not in best:
                    continue
                for link, share in self.into[target]:
                    key = link.source, adds == (link.weight > 0)
                    passed = best[target, adds][0] * share
                    if passed > best.get(key, (0.0, None))[0]:
                        best[key] = passed, link
        kind = {n.id: n.kind for n in self.graph.nodes}
        ends = [
            (kind[link.target] == "feature", share, name)
            for (name, adds), (share, link) in best.items()
            if adds and link is not None and kind[name] == "token" and name not in skip
        ]
        return self._trace_back(best, max(ends)[2]) if ends else None

    def _trace_back(
        self, best: dict[tuple[str, bool], tuple[float, FileLink | None]], start: str
    ) -> FilePath:
        nodes = {n.id: n for n in self.graph.nodes}
        name, adds = start, True
        chain, weights = [nodes[start]], []
        while (link := best[name, adds][1]) is not None:
            name, adds = link.target, adds == (link.weight > 0)
            chain.append(nodes[name])
            weights.append(link.weight)
        return FilePath(tuple(chain), tuple(weights), best[start, True][0])


def flow_of(graph: GraphFile) -> Flow:
    """Follow the links of a graph down from its logits; raises GraphError where there is no logit."""
    logits = [n for n in graph.nodes if n.kind == "logit"]
    if not logits:
        raise GraphError("The graph holds no logit node, so there is nothing in it to explain.")
    weight = {n.id: n.probability for n in logits}
    if not sum(weight.values()):
        weight = dict.fromkeys(weight, 1 / len(weight))
    feeds: dict[str, list[FileLink]] = {n.id: [] for n in graph.nodes}
    for link in graph.links:
        if link.weight:
            feeds[link.target].append(link)
    into = {name: _shares(links) for name, links in feeds.items()}
    order = downward(graph)
    influence = {n.id: 0.0 for n in graph.nodes}
    for name in order:
        passing = influence[name] + weight.get(name, 0.0)
        for link, share in into[name]:
            influence[link.source] += passing * share
    return Flow(graph, order, into, weight, influence)


def _shares(links: list[FileLink]) -> list[tuple[FileLink, float]]:
    largest = max((abs(link.weight) for link in links), default=1.0)
    sizes = [abs(link.weight) / largest for link in links]  # first, or huge weights would overflow
    whole = sum(sizes)
    return [(link, size / whole) for link, size in zip(links, sizes, strict=True)]
