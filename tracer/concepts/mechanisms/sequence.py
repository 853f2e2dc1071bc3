"""Succession: the text is a list whose items the model foretells one after the other."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import same_kind
from tracer.concepts.mechanisms.texts import logits_with, says_along

ITEMS = 3  # of the answer's kind that must stand before it


class Succession(NamedTuple):
    """`items`: positions of words of the answer's kind; `foretold`: those that the model said beforehand.

    `moved`: with the last item replaced by the one before it, the answer becomes that one's successor.
    """

    holds: bool
    items: tuple[int, ...]
    foretold: tuple[int, ...]
    moved: bool


def try_sequence(frozen: Frozen, answer: int) -> Succession:
    """Whether earlier items were foretold too, and the answer moves back when the last item does."""
    ids = frozen.ids.tolist()
    kind = {token for token, _ in same_kind(frozen.subject, answer, ids, grammar=True)}
    items = tuple(index for index, token in enumerate(ids) if token in kind)
    if len(items) < ITEMS or answer in ids:
        return Succession(False, items, (), False)
    said = says_along(frozen.subject, frozen)
    foretold = tuple(index for index in items[1:] if said[index - 1] == ids[index])
    back = tuple((items[row], ids[items[row - 1]]) for row in range(1, len(items)))
    moved = int(logits_with(frozen, [back])[0].argmax()) == ids[items[-1]]
    return Succession(bool(foretold) and moved, items, foretold, moved)
