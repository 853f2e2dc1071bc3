"""The attribution graph: nodes, edges, influence, pruning, scores, total effects, files.

Rows are targets and columns are sources, always. Knows no model: only numbers and what they stand for.
Definitions follow Ameisen et al. 2025 (attribution graphs, appendix "Graph pruning") and circuit-tracer.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load_file, save_file
from torch import Tensor

from tracer.errors import GraphError
from tracer.feature_ids import name_feature

FORMAT = 1
FAINT = 0.01  # influence beside the largest feature's, below which pruning need not keep a feature
NEURONS, TRANSCODERS = "neurons", "transcoders"  # what a graph's features are


class Kind(StrEnum):
    """What a node is. BOS is all that position 0 holds where it is the begin-of-sequence token."""

    FEATURE = "feature"
    ERROR = "error"
    TOKEN = "token"
    BOS = "bos"
    BIAS = "bias"
    REST = "rest"  # active features that were not chosen, where they are not merged into errors


KINDS = tuple(Kind)


class Scores(NamedTuple):
    """Shares in 0..1; the strict ones count what arrives at BOS as unexplained too."""

    completeness: float
    completeness_strict: float
    replacement: float
    replacement_strict: float
    unexplored: float  # influence that ends in error nodes
    bos: float  # influence that ends in BOS nodes


@dataclass(frozen=True, slots=True)
class Graph:
    """Direct effects between the nodes of one text.

    `edges[t, s]` is how much source s adds to target t. Sources are all nodes, features first and sorted by
    layer; targets are the features, in the same order, then the roots (what is explained). `layer` is -1 for
    tokens and the bias. `value` is what each target's row adds up to.
    """

    kind: Int[Tensor, " source"]
    layer: Int[Tensor, " source"]
    position: Int[Tensor, " source"]
    neuron: Int[Tensor, " source"]
    activation: Float[Tensor, " source"]
    effect: Float[Tensor, " source"]  # signed total effect on the root (features and tokens; else 0)
    edges: Float[Tensor, "target source"]
    value: Float[Tensor, " target"]
    tokens: tuple[str, ...]
    layers: int
    roots: tuple[str, ...]
    weights: Float[Tensor, " root"] | None = None  # how much each root counts; None: all the same
    basis: str = NEURONS  # what `neuron` is an index into
    unexplored: float | None = None  # proven: no node's influence would grow by more, were all expanded
    expected: Float[Tensor, " source"] | None = None  # influence, estimated through what has no row too
    error: float | None = None  # of edges, relative to a row's largest, where coarse products were asked for

    @property
    def root_weights(self) -> Float[Tensor, " root"]:
        """The roots' weights, summing to 1."""
        if self.weights is None:
            each = torch.full((len(self.roots),), 1 / len(self.roots), dtype=torch.float64)
            return each.to(self.edges.device)
        return self.weights.double() / self.weights.double().sum()

    @property
    def features(self) -> int:
        """How many feature nodes there are."""
        return int((self.kind == KINDS.index(Kind.FEATURE)).sum())

    def is_kind(self, *kinds: Kind) -> Bool[Tensor, " source"]:
        """Which sources are of these kinds."""
        wanted = torch.tensor([KINDS.index(kind) for kind in kinds], device=self.kind.device)
        return torch.isin(self.kind, wanted)

    def id_of(self, source: int) -> str:
        """A node's id: L11.N1234+@5 (a neuron), L11.F1234@5 (a transcoder's), E11@5, T@5, BOS11, B, R."""
        layer, position = int(self.layer[source]), int(self.position[source])
        match KINDS[int(self.kind[source])]:
            case Kind.FEATURE if self.basis != NEURONS:
                return name_feature(layer, int(self.neuron[source]), "", position)
            case Kind.FEATURE:
                sign = "+" if self.activation[source] >= 0 else "-"
                return name_feature(layer, int(self.neuron[source]), sign, position)
            case Kind.ERROR:
                return f"E{layer}@{position}"
            case Kind.TOKEN:
                return f"T@{position}"
            case Kind.BOS:
                place = f"@{position}" if position else ""  # a chat's prefix has several positions
                return f"BOS{layer}{place}" if layer >= 0 else "BOS"
            case Kind.BIAS:
                return "B"
            case Kind.REST:
                return "R"

    def residual(self) -> float:
        """The worst gap between a row's sum and its target's value, relative to the row's gross size."""
        gap = (self.edges.double().sum(1) - self.value.double()).abs()
        gross = self.edges.double().abs().sum(1)
        return float((gap / gross.clamp_min(1e-30)).max())

    def shares(self) -> Float[Tensor, "target source"]:
        """|edges| with every row scaled to sum 1 (rows of zeros stay zero)."""
        size = self.edges.double().abs()
        size = size / size.amax(1, keepdim=True).clamp_min(1e-300)  # first, or tiny rows would overflow
        return size / size.sum(1, keepdim=True).clamp_min(1e-300)

    def influence(self, keep: Bool[Tensor, "target source"] | None = None) -> Float[Tensor, " source"]:
        """Where a walk from the roots along |edges| passes: B = A + A^2 + … of the shares, root rows.

        `keep` leaves out edges before the shares are taken. The values at nodes that are no feature sum to 1.
        """
        shares = self.shares() if keep is None else self._masked_shares(keep)
        return count_visits(shares, self.root_weights)

    def _masked_shares(self, keep: Bool[Tensor, "target source"]) -> Float[Tensor, "target source"]:
        size = self.edges.double().abs() * keep
        return size / size.sum(1, keepdim=True).clamp_min(1e-300)

    def scores(self) -> Scores:
        """Completeness and replacement, with BOS counted as explained and (strict) as unexplained."""
        shares = self.shares()
        influence = count_visits(shares, self.root_weights)
        visits = torch.cat([influence[: self.features], self.root_weights])
        error, bos = self.is_kind(Kind.ERROR, Kind.REST), self.is_kind(Kind.BOS)
        into_error = (visits @ shares[:, error].sum(1)) / visits.sum()
        into_bos = (visits @ shares[:, bos].sum(1)) / visits.sum()
        token_mass = influence[self.is_kind(Kind.TOKEN)].sum()
        error_mass, bos_mass = influence[error].sum(), influence[bos].sum()
        return Scores(
            completeness=float(1 - into_error),
            completeness_strict=float(1 - into_error - into_bos),
            replacement=float(token_mass / (token_mass + error_mass).clamp_min(1e-300)),
            replacement_strict=float(token_mass / (token_mass + error_mass + bos_mass).clamp_min(1e-300)),
            unexplored=float(error_mass),
            bos=float(bos_mass),
        )

    def prune(self, nodes: float = 0.8, edges: float = 0.98, at_least: int = 0) -> "Pruned":
        """Keep the fewest nodes that hold `nodes` of the influence, then the fewest edges that hold `edges`.

        Tokens and roots always stay, and so do the `at_least` features with the largest influence (as far as
        it is not FAINT beside the largest): a share of a small graph would cut through alike neurons. A
        feature left without an edge in or out goes.
        """
        influence = self.influence() if self.expected is None else self.expected
        always, listed = self.is_kind(Kind.TOKEN), influence
        if self.expected is not None:  # what has no row counts in the total, but is no node to keep
            listed = influence.masked_fill(self.is_kind(Kind.REST), 0.0)
        small = self._strongest(influence, at_least)
        always[small] = True
        kept = smallest_set(listed, nodes, float(influence.sum())) | always
        features = self.features
        rows = torch.ones(len(self.edges), dtype=torch.bool, device=kept.device)
        rows[:features] = kept[:features]
        kept_edges = rows[:, None] & kept[None, :]
        shares = self._masked_shares(kept_edges)
        visits = count_visits(shares, self.root_weights)
        score = shares * torch.cat([visits[:features], self.root_weights])[:, None]
        strong = smallest_set(score.flatten(), edges).view_as(score)
        for index in small.tolist():  # its strongest edges, in and out, or it would be a loose end
            strong[index, score[index].argmax()] = True
            strong[score[:, index].argmax(), index] = True
        kept_edges &= strong
        kept, kept_edges = self._drop_loose_ends(kept, kept_edges)
        whole = float(influence.sum())  # 0 where nothing leads to the target: two logits that are alike
        share = float(influence[kept].sum()) / whole if whole else 1.0
        return Pruned(self, kept, kept_edges, influence, share)

    def _strongest(self, influence: Tensor, count: int) -> Int[Tensor, " feature"]:
        """The `count` features with the largest influence, as far as it is not FAINT beside the largest."""
        own = influence[: self.features]
        best = own.argsort(descending=True, stable=True)[:count]
        return best[own[best] >= FAINT * own.max()] if len(best) else best

    def _drop_loose_ends(self, kept: Tensor, kept_edges: Tensor) -> tuple[Tensor, Tensor]:
        features, always = self.features, self.is_kind(Kind.TOKEN)
        while True:
            alive = kept & (kept_edges.any(0) | always)
            alive[:features] &= kept_edges[:features].any(1)
            if torch.equal(alive, kept):
                return kept, kept_edges
            kept = alive
            kept_edges = kept_edges & kept[None, :]
            kept_edges[:features] &= kept[:features, None]

    def save(self, path: Path) -> None:
        """Write `path`.safetensors and `path`.json."""
        tensors = {name: getattr(self, name).contiguous() for name in TENSORS}
        for name in OPTIONAL:
            if getattr(self, name) is not None:
                tensors[name] = getattr(self, name).contiguous()
        save_file(tensors, path.with_suffix(".safetensors"))
        header = {
            "format": FORMAT,
            "tokens": self.tokens,
            "layers": self.layers,
            "roots": self.roots,
            "basis": self.basis,
            "unexplored": self.unexplored,
            "error": self.error,
        }
        path.with_suffix(".json").write_text(json.dumps(header, ensure_ascii=False), encoding="utf-8")


TENSORS = ("kind", "layer", "position", "neuron", "activation", "effect", "edges", "value")
OPTIONAL = ("weights", "expected")


@dataclass(frozen=True, slots=True)
class Pruned:
    """A graph and what of it is kept."""

    graph: Graph
    nodes: Bool[Tensor, " source"]
    edges: Bool[Tensor, "target source"]
    influence: Float[Tensor, " source"]
    kept_influence: float


def load_graph(path: Path) -> Graph:
    """Read what Graph.save wrote; raises GraphError when it is missing, damaged or of another format."""
    try:
        header = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        tensors = load_file(path.with_suffix(".safetensors"))
    except (OSError, ValueError) as exc:
        raise GraphError(f"There is no readable graph at {path}.") from exc
    except Exception as exc:  # safetensors raises its own type for a damaged file
        raise GraphError(f"The graph file {path} is damaged.") from exc
    if header.get("format") != FORMAT or set(tensors) - set(OPTIONAL) != set(TENSORS):
        raise GraphError(f"{path} was written by another version of askcircuit. Trace the text again.")
    return Graph(
        **tensors,
        tokens=tuple(header["tokens"]),
        layers=header["layers"],
        roots=tuple(header["roots"]),
        basis=header.get("basis", NEURONS),
        unexplored=header.get("unexplored"),
        error=header.get("error"),
    )


def count_visits(
    shares: Float[Tensor, "target source"], weights: Float[Tensor, " root"]
) -> Float[Tensor, " source"]:
    """Visits of every source by a walk that starts at the roots with these weights.

    Features are sorted by layer and edges only run upwards, so their block is strictly lower triangular and
    one substitution gives the whole series.
    """
    features = len(shares) - len(weights)
    start = weights @ shares[features:]
    inner = shares[:features, :features]
    eye = torch.eye(features, dtype=shares.dtype, device=shares.device)
    visits = torch.linalg.solve_triangular((eye - inner).T, start[:features, None], upper=True)[:, 0]
    out: Tensor = start + visits @ shares[:features]
    return out


def smallest_set(
    score: Float[Tensor, " item"], share: float, total: float | None = None
) -> Bool[Tensor, " item"]:
    """The smallest set that holds this share of the total (of the scores' sum)."""
    ordered, index = score.sort(descending=True, stable=True)
    before = ordered.cumsum(0) - ordered
    keep = torch.zeros(len(score), dtype=torch.bool, device=score.device)
    keep[index[before < share * (ordered.sum() if total is None else total)]] = True
    return keep
