"""The fewest features whose change makes the model say another token: the search, in plain values.

Runs nothing itself: whoever calls hands in how a set is tried. What it finds is smallest of what was tried
and cannot spare any one of its members; it does not claim that no other set would do.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

DOSES = (0.0, 2.0, -1.0, 4.0)  # remove, double, turn round, fourfold: a fixed grid, the gentlest first
SET_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
NEAR = 2  # a dose whose first working set is this many times the smallest one's is not refined

Feature = dict[str, Any]


class Trial(Protocol):
    """What trying one set gives (`tracer.Attempt`)."""

    @property
    def margin(self) -> float:
        """logit(wanted) - the largest other logit: above 0 the wanted token is said."""

    @property
    def says(self) -> str:
        """The most probable token."""


TryFeatures = Callable[[Sequence[Sequence[str]], float], Sequence[Trial]]  # sets, factor -> what each does


class MinimalSet(NamedTuple):
    """A set that makes the model say the wanted token."""

    factor: float
    members: list[str]
    margin: float
    without: float | None  # the largest margin with any one member left out (at most 0); None: one member


class SetSearch(NamedTuple):
    """What was tried, and the sets that do it: the smallest, then the smallest removal if it is another."""

    found: list[MinimalSet]
    tried: list[dict[str, Any]]  # factor, size, predicted (sum of total effects), margin, says
    sets: int  # how many sets were tried in all

    @property
    def nearest(self) -> dict[str, Any]:
        """Of the sets of the grid, the one that came nearest."""
        return max(self.tried, key=lambda row: (row["margin"], -row["size"]))


def rank_features(features: Sequence[Feature], factor: float) -> list[Feature]:
    """The features whose change to `factor` times is predicted to help, the most helpful first.

    `effect` is a feature's total effect on logit(answer) - logit(wanted), so (factor - 1) * effect is what
    the graph foresees; below 0 it helps.
    """
    helpful = [f for f in features if (factor - 1) * f["effect"] < 0]
    return sorted(helpful, key=lambda f: ((factor - 1) * f["effect"], f["id"]))


def find_smallest_sets(features: Sequence[Feature], attempt: TryFeatures) -> SetSearch:
    """Try the first 1, 2, 3, … ranked features at every dose, then leave out what a working set can spare."""
    tried, first = [], dict[float, tuple[list[str], float]]()
    count = 0
    for factor in DOSES:
        ranking = rank_features(features, factor)
        sizes = [n for n in SET_SIZES if n <= len(ranking)]
        ids = [f["id"] for f in ranking]
        results = attempt([ids[:n] for n in sizes], factor)
        count += len(sizes)
        for size, result in zip(sizes, results, strict=True):
            foreseen = sum((factor - 1) * f["effect"] for f in ranking[:size])
            row = {"factor": factor, "size": size, "predicted": foreseen}
            tried.append({**row, "margin": result.margin, "says": result.says})
            if result.margin > 0 and factor not in first:
                first[factor] = ids[:size], result.margin
    if not first:
        return SetSearch([], tried, count)
    fewest = min(len(members) for members, _ in first.values())
    refined = []
    for factor in DOSES:
        if factor in first and (factor == 0 or len(first[factor][0]) <= NEAR * fewest):
            one, more = _leave_out(first[factor][0], first[factor][1], factor, attempt)
            refined.append(one)
            count += more
    refined.sort(key=lambda s: (len(s.members), DOSES.index(s.factor)))
    removal = [s for s in refined[1:] if s.factor == 0]
    return SetSearch([refined[0], *removal], tried, count)


def _leave_out(
    members: list[str], margin: float, factor: float, attempt: TryFeatures
) -> tuple[MinimalSet, int]:
    """Leave out what it can spare until it can spare none; and how many sets that took."""
    count = 0
    while len(members) > 1:
        results = attempt([[m for m in members if m != left] for left in members], factor)
        count += len(members)
        order = sorted(range(len(members)), key=lambda i: (-results[i].margin, members[i]))
        spare = [members[i] for i in order if results[i].margin > 0]
        if not spare:
            return MinimalSet(factor, members, margin, results[order[0]].margin), count
        if len(spare) == 1:
            members, margin = [m for m in members if m != spare[0]], results[order[0]].margin
            continue
        for left in _halves(spare):
            fewer = [m for m in members if m not in left]
            if not fewer:
                continue
            (result,) = attempt([fewer], factor)
            count += 1
            if result.margin > 0:
                members, margin = fewer, result.margin
                break
    return MinimalSet(factor, members, margin, None), count


def _halves(spare: list[str]) -> Iterator[set[str]]:
    """All of them, the better half, its better half, …, at last the one that is known to go."""
    size = len(spare)
    while size:
        yield set(spare[:size])
        size //= 2
