"""Which sources get a row next, and what is proven about those that never do. Knows only rows and shares.

A walk from the roots along |edges|, scaled so that a row sums to 1, ends at sources without a row. The
influence that ends at features not yet expanded is known, not estimated, and bounds what expanding them
could still change: with X expanded and mu the mass at unexpanded features,
influence_X(v) <= influence(v) <= influence_X(v) + mu for every node v, since a walk visits v at most once.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tracer.attribution.graph import count_visits
from tracer.attribution.neurons import Units

AT_ONCE = 64  # rows whose absolute values are held at a time
LEAST = 64  # features expanded in a round, at least: smaller batches waste the matrix products


def sum_sizes(rows: Float[Tensor, "row column"], apart: Int[Tensor, " some"]) -> Float[Tensor, " row"]:
    """Each row's sum of sizes, without the columns `apart`."""
    sums = torch.cat([some.abs().sum(1) for some in rows.split(AT_ONCE)]) if len(rows) else rows.sum(1)
    return (sums - rows[:, apart].abs().sum(1)).clamp_min(1e-30)


@torch.no_grad()
def influence(
    rows: Sequence[Float[Tensor, "_ unit"]],
    sizes: Float[Tensor, " row"],
    chosen: Int[Tensor, " expanded"],
    weights: Float[Tensor, " root"],
) -> Float[Tensor, " unit"]:
    """Influence of every unit, given some rows: the roots', then those of the `chosen` units, in that order.

    Units are sorted by layer; those without a row pass nothing on.
    """
    order, roots = chosen.argsort(), len(weights)
    inner = torch.cat([block[:, chosen[order]] for block in rows]).abs_() / sizes[:, None]
    inner = torch.cat([inner[roots:][order], inner[:roots]]).double()
    felt = torch.cat([weights, torch.empty_like(chosen, dtype=weights.dtype)])
    felt[roots + order] = count_visits(inner, weights.double()).to(felt)
    felt = felt / sizes
    found = rows[0].new_zeros(rows[0].shape[1])
    done = 0
    for block in rows:
        for some in block.split(AT_ONCE):
            found += felt[done : done + len(some)] @ some.abs()
            done += len(some)
    return found


def select_strongest(
    influences: Float[Tensor, " unit"], chosen: Int[Tensor, " expanded"], count: int
) -> Int[Tensor, " picked"]:
    """The `count` most influential units without a row."""
    open_ones = influences.clone()
    open_ones[chosen] = -1.0
    return open_ones.argsort(descending=True, stable=True)[:count]


def bound_unexplored(
    influences: Float[Tensor, " unit"], chosen: Int[Tensor, " expanded"], epsilon: float
) -> tuple[float, int]:
    """(the unexplored influence, the fewest rows after which it could be `epsilon`: 0 when it is).

    A row takes at most its unit's influence away, so the strongest that hold what is over epsilon are the
    least that can do; they pass some of it on to others, which the next round sees.
    """
    open_ones = influences.double().clone()
    open_ones[chosen] = 0.0
    unexplored = float(open_ones.sum())
    if unexplored <= epsilon:
        return unexplored, 0
    reached = open_ones.sort(descending=True).values.cumsum(0)
    least = int((reached < unexplored - epsilon).sum()) + 1
    return unexplored, max(LEAST, least)


@torch.no_grad()
def expect_influence(
    rows: Sequence[Float[Tensor, "_ column"]],
    sizes: Float[Tensor, " row"],
    chosen: Int[Tensor, " expanded"],
    weights: Float[Tensor, " root"],
    units: Units,
    positions: int,
) -> Float[Tensor, " column"]:
    """Influence of every column if what has no row passed its influence on as its neighbours do.

    Neighbours are the expanded units of its layer and position (of its layer, where there are none): their
    mean row stands for it. An estimate, not a bound; units come first among the columns.
    """
    layers, roots = int(units.layer.max()) + 1, len(weights)
    cell = units.layer * positions + units.position
    cells = layers * positions
    is_open = torch.ones(len(units), dtype=sizes.dtype, device=sizes.device)
    is_open[chosen] = 0
    home = torch.cat([cell.new_full((roots,), cells), cell[chosen]])
    mean, known = sizes.new_zeros(cells + 1, rows[0].shape[1]), []
    done = 0
    for block in rows:
        for some in block.split(AT_ONCE):
            shares = some.abs() / sizes[done : done + len(some), None]
            mean.index_add_(0, home[done : done + len(some)], shares)
            known.append(_by_node(shares, chosen, cell, is_open, cells))
            done += len(some)
    count = torch.bincount(home, minlength=cells + 1).to(mean)
    mean = _filled(mean[:-1].view(layers, positions, -1), count[:-1].view(layers, positions)).flatten(0, 1)
    inner = torch.cat([*known, _by_node(mean, chosen, cell, is_open, cells)])
    layer = torch.cat([units.layer[chosen], torch.arange(cells, device=cell.device) // positions])
    order = layer.argsort(stable=True)
    inner = torch.cat([inner[roots:][order], inner[:roots]])[:, order]
    felt = torch.cat([weights.double(), layer.new_zeros(len(layer), dtype=torch.float64)])
    felt[roots + order] = count_visits(inner.double(), weights.double())
    felt = felt.to(sizes)
    found, done = felt[roots + len(chosen) :] @ mean, 0
    for block in rows:
        for some in block.split(AT_ONCE):
            found += (felt[done : done + len(some)] / sizes[done : done + len(some)]) @ some.abs()
            done += len(some)
    return found


def _by_node(
    shares: Float[Tensor, "some column"],
    chosen: Int[Tensor, " expanded"],
    cell: Int[Tensor, " unit"],
    is_open: Float[Tensor, " unit"],
    cells: int,
) -> Float[Tensor, "some node"]:
    """What goes to each expanded unit, then to all others of each (layer, position) together."""
    others = shares.new_zeros(len(shares), cells)
    others.index_add_(1, cell, shares[:, : len(cell)] * is_open)
    return torch.cat([shares[:, chosen], others], 1)


def _filled(
    sums: Float[Tensor, "layer pos column"], count: Float[Tensor, "layer pos"]
) -> Float[Tensor, "layer pos column"]:
    """Means by (layer, position); where nothing is known, of the layer."""
    whole = sums.sum(1, keepdim=True) / count.sum(1)[:, None, None].clamp_min(1)
    return torch.where(count[..., None] > 0, sums / count[..., None].clamp_min(1), whole)
