"""trace(): choose the neurons that matter for one target and connect them into an attribution graph.

Nodes are chosen by influence in a few rounds; what is not chosen is merged into one error vector a
(layer, position), so that every row still adds up to its target. Knows no names and no questions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.frozen import Frozen
from tracer.graph import KINDS, Graph, Kind, walk
from tracer.neurons import Sources, Units, activations, neuron_sources, units_of
from tracer.rows import direct_rows, total_effects
from tracer.targets import Targets, neuron_targets

POOL = 8  # candidates a node that is kept
ROUNDS = 4


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
    nodes: int = 1000,
    zero_positions: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Graph:
    """The attribution graph of one target over at most `nodes` neurons.

    Candidates are the neurons with the largest total effect (half rule) on the target; of these the ones with
    the largest influence in the graph so far are expanded, round by round. None is chosen at the first
    `zero_positions` positions (where None: the begin-of-sequence token), which become BOS nodes.
    """
    zero = int(frozen.bos) if zero_positions is None else zero_positions
    effects, token_effects = total_effects(frozen, target)
    pool = _candidates(frozen, effects, POOL * nodes, zero)
    sources = neuron_sources(frozen, pool)
    rows = direct_rows(frozen, target, sources)
    known = _Rows(frozen, sources, rows, rows[:0], torch.zeros(0, dtype=torch.long))
    score = effects[pool.layer, pool.position, pool.neuron].abs()
    budget = min(nodes, len(pool))
    for step in range(ROUNDS):
        wanted = budget * (step + 1) // ROUNDS - budget * step // ROUNDS
        score[known.chosen] = -1.0
        best = score.topk(wanted).indices
        rows = direct_rows(
            frozen,
            neuron_targets(frozen, *pool.pick(best)),
            sources,
            _within(progress, step),
        )
        known = _sorted(known, rows, best)
        score = _influence(known)
    return _graph(known, target, root, (effects, token_effects), zero)


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
    best = size.flatten().topk(min(count, int((size > 0).sum()))).indices
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
    visits = torch.cat([walk(gross / scale, roots)[: len(known.chosen)], roots])
    edges = torch.cat([known.rows, known.root])[:, known.sources.unit_column]
    return (visits / scale[:, 0]).to(edges.dtype) @ edges.abs()


def _graph(known: _Rows, target: Targets, root: str, total: tuple[Tensor, Tensor], zero: int) -> Graph:
    frozen, (effects, token_effects) = known.frozen, total
    layers, positions = len(frozen.layers), frozen.length
    units = known.sources.units.pick(known.chosen)
    block_layer = torch.arange(layers).repeat_interleave(positions)
    block_position = torch.arange(positions).repeat(layers)
    spots = torch.arange(positions)
    none = torch.full((positions + 1,), -1)
    kind = torch.cat(
        [
            torch.full((len(units),), KINDS.index(Kind.FEATURE)),
            _kinds(Kind.ERROR, block_position, zero),
            _kinds(Kind.TOKEN, spots, int(frozen.bos)),
            torch.tensor([KINDS.index(Kind.BIAS)]),
        ]
    )
    acts = activations(frozen, units)
    matrix = _matrix(known)
    others = len(kind) - len(units)
    nothing = matrix.new_zeros(others)
    own = effects[units.layer, units.position, units.neuron]
    blocks = matrix.new_zeros(layers * positions)
    return Graph(
        kind=kind,
        layer=torch.cat([units.layer, block_layer, none]),
        position=torch.cat([units.position, block_position, spots, none[:1]]),
        neuron=torch.cat([units.neuron, torch.full((others,), -1)]),
        activation=torch.cat([acts, nothing]),
        effect=torch.cat([own, blocks, token_effects, nothing[:1]]),
        edges=matrix,
        value=torch.cat([acts, target.value]),
        tokens=frozen.tokens,
        layers=layers,
        roots=(root,),
    )


def _kinds(kind: Kind, positions: Int[Tensor, " node"], zero: int) -> Int[Tensor, " node"]:
    return torch.full_like(positions, KINDS.index(kind)).masked_fill(positions < zero, KINDS.index(Kind.BOS))
