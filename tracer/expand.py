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

from tracer.graph import walk

AT_ONCE = 64  # rows whose absolute values are held at a time
LEAST = 64  # features expanded in a round, at least: smaller batches waste the matrix products


def gross(rows: Float[Tensor, "row column"], apart: Int[Tensor, " some"]) -> Float[Tensor, " row"]:
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
    felt[roots + order] = walk(inner, weights.double()).to(felt)
    felt = felt / sizes
    found = rows[0].new_zeros(rows[0].shape[1])
    done = 0
    for block in rows:
        for some in block.split(AT_ONCE):
            found += felt[done : done + len(some)] @ some.abs()
            done += len(some)
    return found


def strongest(
    influences: Float[Tensor, " unit"], chosen: Int[Tensor, " expanded"], count: int
) -> Int[Tensor, " picked"]:
    """The `count` most influential units without a row."""
    open_ones = influences.clone()
    open_ones[chosen] = -1.0
    return open_ones.argsort(descending=True)[:count]


def needed(
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
