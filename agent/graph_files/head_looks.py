"""Why an attention feature of a graph file looks where it does, as the file says. Tests nothing.

The file holds what adds to the feature's attention score: pairs of nodes (one where it looks from, one where
it looks to), and nodes on either side alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.core import join_words, round_reported, show_change

if TYPE_CHECKING:
    from tracer import FileNode, Flow

SAID, EACH, LISTED = 3, 2, 20  # heads in the answer, contributors of each there, heads in a report


class Look(NamedTuple):
    """One attention feature, and what adds to its score: (from, to, amount) and (node, amount)."""

    head: "FileNode"
    pairs: list[tuple[str, str, float]]
    looking: list[tuple[str, float]]
    looked_at: list[tuple[str, float]]


def find_looks(flow: "Flow", first: frozenset[str]) -> list[Look]:
    """The attention features of which a file says so: those on the path first, then by influence."""
    nodes = [n for n in flow.top("feature") if n.looks is not None]
    nodes.sort(key=lambda n: n.id not in first)
    return [
        Look(
            node,
            _strongest(node.looks.pair_wise_contributors),
            _strongest(node.looks.top_q_marginal_contributors),
            _strongest(node.looks.top_k_marginal_contributors),
        )
        for node in nodes
        if node.looks is not None
    ]


def _strongest(contributors: list[Any]) -> list[Any]:
    return sorted((tuple(one) for one in contributors), key=lambda one: (-abs(one[-1]), one))


def write_look(look: Look, name: Callable[[str], str]) -> tuple[str, list[float]]:
    """A sentence on one of them, and the numbers in it; `name` says what a node is called."""
    parts, numbers = [], []
    if pairs := look.pairs[:EACH]:
        told = [f"{name(q)} with {name(k)} ({show_change(amount)})" for q, k, amount in pairs]
        parts.append(f"the {'pairs' if len(told) > 1 else 'pair'} {join_words(told)}")
        numbers += [amount for *_, amount in pairs]
    for side, found in (("where it looks from", look.looking), ("where it looks to", look.looked_at)):
        if some := found[:EACH]:
            parts.append(f"{side} {join_words([f'{name(n)} ({show_change(a)})' for n, a in some])}")
            numbers += [amount for _, amount in some]
    return (
        f"{name(look.head.id)} looks where it does, as the file says, for {'; '.join(parts)}: so much each "
        "adds to its attention score.",
        numbers,
    )


def list_looks(looks: list[Look], name: Callable[[str], str]) -> list[dict[str, Any]]:
    """The same for a report."""
    return [
        {
            "head": name(look.head.id),
            "position": look.head.position,
            "pairs": [
                {"from": name(q), "to": name(k), "amount": round_reported(amount)}
                for q, k, amount in look.pairs[:LISTED]
            ],
            "from": [{"id": name(n), "amount": round_reported(a)} for n, a in look.looking[:LISTED]],
            "to": [{"id": name(n), "amount": round_reported(a)} for n, a in look.looked_at[:LISTED]],
        }
        for look in looks[:LISTED]
    ]
