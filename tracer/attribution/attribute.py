"""trace(): choose the neurons that matter for one target and connect them into an attribution graph.

Nodes are chosen by influence in a few rounds; what is not chosen is merged into one error vector a
(layer, position), so that every row still adds up to its target. Knows no names and no questions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.backward_sweep import batches, direct_rows, total_effects
from tracer.attribution.certified_expansion import Certified, expand_certified
from tracer.attribution.certified_stop import expect_influence, influence, sum_sizes
from tracer.attribution.frozen_text import Frozen
from tracer.attribution.graph import KINDS, Graph, Kind, count_visits
from tracer.attribution.neurons import Sources, Units, activations, neuron_sources, units_of
from tracer.attribution.ranking import largest
from tracer.attribution.sink import rests_on_first
from tracer.attribution.targets import Targets, neuron_targets

POOL = 8  # candidates a node that is kept
ROUNDS = 4
CANDIDATES = 8_000
EPSILON = 0.5  # on 22 texts: the full expansion's pruned graph in well under half of its rows


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows known so far: of the root, and of the chosen units (indices into the pool, in row order)."""

    frozen: Frozen
    sources: Sources
    root: Float[Tensor, "root column"]
    rows: Float[Tensor, "unit column"]
    chosen: Int[Tensor, " unit"]


def trace(
    frozen: Frozen,
    target: Targets,
    root: str,
    *,
    nodes: int | None = None,
    epsilon: float = EPSILON,
    candidates: int = CANDIDATES,
    zero_positions: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Graph:
    """The attribution graph of one target over the neurons that matter to it.

    Candidates are the neurons with the largest total effect (half rule) on the target. Those with the largest
    influence in the graph so far are expanded, round by round, until it is proven that the candidates without
    a row could change no node's influence by more than `epsilon`; then those that pruning would keep
    (`Graph.expected`) are expanded too. Pruned, the graph is that of the full expansion (epsilon 0) but for a
    few nodes.

    With `nodes`, so many are expanded of 8 x `nodes` candidates, and nothing is proven: a graph for a limited
    time. None is chosen at the first `zero_positions` positions (where None: the begin-of-sequence token),
    which become BOS nodes; so do the token and the errors of a first word that attention rests on.
    """
    zero = int(frozen.bos) if zero_positions is None else zero_positions
    effects, token_effects = total_effects(frozen, target)
    pool = _candidates(frozen, effects, candidates if nodes is None else POOL * nodes, zero)
    sources = neuron_sources(frozen, pool)
    rows = direct_rows(frozen, target, sources)
    if nodes is None:
        first = _first(frozen, sources, rows)
        found = expand_certified(first, epsilon, len(pool), progress)
        return _certified_graph(found, target, root, (effects, token_effects), zero)
    known = _Rows(frozen, sources, rows, rows[:0], torch.zeros(0, dtype=torch.long, device=rows.device))
    score = effects[pool.layer, pool.position, pool.neuron].abs()
    budget = min(nodes, len(pool))
    for step in range(ROUNDS):
        wanted = budget * (step + 1) // ROUNDS - budget * step // ROUNDS
        score[known.chosen] = -1.0
        best = largest(score, wanted)
        rows = direct_rows(
            frozen,
            neuron_targets(frozen, *pool.pick(best)),
            sources,
            _within(progress, step),
        )
        known = _sorted(known, rows, best)
        score = _influence(known)
    return _graph(known, _matrix(known), target, root, (effects, token_effects), zero)


def _within(progress: Callable[[float], None], step: int) -> Callable[[float], None]:
    """Progress of one round as progress of all."""
    return lambda done: progress((step + done) / ROUNDS)


def _sorted(known: _Rows, rows: Tensor, best: Tensor) -> _Rows:
    """Add rows, keeping the pool's order (layer, position, neuron)."""
    chosen = torch.cat([known.chosen, best])
    order = chosen.argsort()
    return replace(known, rows=torch.cat([known.rows, rows])[order], chosen=chosen[order])


def _candidates(frozen: Frozen, effects: Float[Tensor, "layer pos neuron"], count: int, zero: int) -> Units:
    acts = torch.stack([layer.acts for layer in frozen.layers]).abs()
    size = effects.abs() + 1e-12 * acts / acts.max()  # effects that cancel exactly come last, but come
    size[:, :zero] = 0.0  # BOS is one absorbing source a layer, never expanded
    best = largest(size.flatten(), min(count, int((size > 0).sum())))
    return units_of(best, frozen.length, size.shape[2])


def _matrix(known: _Rows) -> Float[Tensor, "target source"]:
    """Rows over the graph's own sources: chosen units, error blocks (what is left of each), tokens, bias."""
    sources = known.sources
    edges = torch.cat([known.rows, known.root])
    units = sources.units.pick(known.chosen)
    inside = edges[:, sources.unit_column[known.chosen]]
    outside = edges[:, _outside(sources)].double()
    block = units.layer * known.frozen.length + units.position
    outside[:, : sources.first.numel()].index_add_(1, block, inside.double(), alpha=-1)
    return torch.cat([inside, outside.to(inside.dtype)], 1)


def _outside(sources: Sources) -> Int[Tensor, " column"]:
    rest = torch.arange(sources.token_column, sources.columns, device=sources.first.device)
    return torch.cat([sources.first.flatten(), rest])


def _influence(known: _Rows) -> Float[Tensor, " unit"]:
    """Influence each unit of the pool would have, given the rows known so far."""
    gross = _matrix(known).double().abs()
    scale = gross.sum(1, keepdim=True).clamp_min(1e-300)
    roots = gross.new_full((len(known.root),), 1 / len(known.root))
    visits = torch.cat([count_visits(gross / scale, roots)[: len(known.chosen)], roots])
    edges = torch.cat([known.rows, known.root])[:, known.sources.unit_column]
    return (visits / scale[:, 0]).to(edges.dtype) @ edges.abs()


def _graph(
    known: _Rows, matrix: Tensor, target: Targets, root: str, total: tuple[Tensor, Tensor], zero: int
) -> Graph:
    frozen, (effects, token_effects) = known.frozen, total
    layers, positions = len(frozen.layers), frozen.length
    units = known.sources.units.pick(known.chosen)
    device = matrix.device
    block_layer = torch.arange(layers, device=device).repeat_interleave(positions)
    block_position = torch.arange(positions, device=device).repeat(layers)
    spots = torch.arange(positions, device=device)
    last = [Kind.BIAS, Kind.REST][: matrix.shape[1] - len(units) - layers * positions - positions]
    none = torch.full((positions + len(last),), -1, device=device)
    rest = int(rests_on_first(frozen))
    kind = torch.cat(
        [
            torch.full((len(units),), KINDS.index(Kind.FEATURE), device=device),
            _kinds(Kind.ERROR, block_position, max(zero, rest)),
            _kinds(Kind.TOKEN, spots, rest),
            torch.tensor([KINDS.index(one) for one in last], device=device),
        ]
    )
    acts = activations(frozen, units)
    others = len(kind) - len(units)
    nothing = matrix.new_zeros(others)
    own = effects[units.layer, units.position, units.neuron]
    blocks = matrix.new_zeros(layers * positions)
    return Graph(
        kind=kind,
        layer=torch.cat([units.layer, block_layer, none]),
        position=torch.cat([units.position, block_position, spots, none[positions:]]),
        neuron=torch.cat([units.neuron, torch.full((others,), -1, device=device)]),
        activation=torch.cat([acts, nothing]),
        effect=torch.cat([own, blocks, token_effects, nothing[: len(last)]]),
        edges=matrix,
        value=torch.cat([acts, target.value]),
        tokens=frozen.tokens,
        layers=layers,
        roots=(root,),
    )


@dataclass(frozen=True, slots=True)
class _PoolRows:
    """Rows over every candidate, then errors, tokens, bias; the root's first, then those of `chosen`."""

    frozen: Frozen
    sources: Sources
    blocks: tuple[Float[Tensor, "_ column"], ...]
    sizes: Float[Tensor, " row"]
    chosen: Int[Tensor, " unit"]

    @property
    def unit_count(self) -> int:
        """How many candidates there are."""
        return len(self.sources.units)

    def units(self) -> list[Float[Tensor, "_ unit"]]:
        """The candidates' columns."""
        return [block[:, : self.unit_count] for block in self.blocks]

    def influence(self) -> Float[Tensor, " unit"]:
        """Each candidate's influence, known through the rows there are."""
        return influence(self.units(), self.sizes, self.chosen, self.sizes.new_ones(1))

    def expected(self) -> Float[Tensor, " column"]:
        """Every column's influence, estimated for what has no row."""
        units, positions = self.sources.units, self.frozen.length
        return expect_influence(
            self.blocks, self.sizes, self.chosen, self.sizes.new_ones(1), units, positions
        )

    def expand(self, best: Int[Tensor, " more"]) -> "_PoolRows":
        """Compute these candidates' rows too."""
        targets = neuron_targets(self.frozen, *self.sources.units.pick(best))
        order = torch.cat(batches(self.frozen, targets))
        rows = _over_pool(self, direct_rows(self.frozen, targets.pick(order), self.sources))
        sizes = torch.cat([self.sizes, sum_sizes(rows, self.chosen[:0])])
        chosen = torch.cat([self.chosen, best[order]])
        return replace(self, blocks=(*self.blocks, rows), sizes=sizes, chosen=chosen)


def _over_pool(known: _PoolRows, rows: Float[Tensor, "row any"]) -> Float[Tensor, "row column"]:
    """Candidates, then what is left of each block without them, tokens, bias."""
    sources, units = known.sources, known.sources.units
    inside, outside = rows[:, sources.unit_column], rows[:, _outside(sources)].double()
    block = units.layer * known.frozen.length + units.position
    outside[:, : sources.first.numel()].index_add_(1, block, inside.double(), alpha=-1)
    return torch.cat([inside, outside.to(inside)], 1)


def _first(frozen: Frozen, sources: Sources, root: Float[Tensor, "root any"]) -> _PoolRows:
    """The root's row alone."""
    none = torch.zeros(0, dtype=torch.long, device=root.device)
    known = _PoolRows(frozen, sources, (), root.new_zeros(0), none)
    root = _over_pool(known, root)
    return replace(known, blocks=(root,), sizes=sum_sizes(root, none))


def _certified_graph(
    certified: Certified, target: Targets, root: str, total: tuple[Tensor, Tensor], zero: int
) -> Graph:
    """The graph of what was expanded; candidates without a row are one node of their own."""
    known, found, hoped, _ = certified
    assert isinstance(known, _PoolRows)
    order, units = known.chosen.argsort(), len(known.sources.units)
    chosen = known.chosen[order]
    rows = torch.cat(known.blocks)
    rows = torch.cat([rows[1:][order], rows[:1]])
    rest = rows[:, :units].double().sum(1) - rows[:, chosen].double().sum(1)
    edges = torch.cat([rows[:, chosen], rows[:, units:], rest.to(rows)[:, None]], 1)
    found[chosen] = 0
    left = hoped[:units].sum() - hoped[chosen].sum()
    base = _Rows(known.frozen, known.sources, rows[-1:], rows[:-1], chosen)
    graph = _graph(base, edges, target, root, total, zero)
    return replace(
        graph,
        unexplored=float(found.sum()),
        expected=torch.cat([hoped[chosen], hoped[units:], left[None]]),
    )


def _kinds(kind: Kind, positions: Int[Tensor, " node"], zero: int) -> Int[Tensor, " node"]:
    return torch.full_like(positions, KINDS.index(kind)).masked_fill(positions < zero, KINDS.index(Kind.BOS))
