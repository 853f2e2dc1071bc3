"""Succession: the text is a list, and when every item moves on by one, so does the answer."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import nearness
from tracer.concepts.mechanisms.texts import logits_with
from tracer.lens import similar, surface

ITEMS = 3  # of the answer's kind that must stand before it
ODD = 1  # stretches between items that may differ from the others ("one, two, and")


class Succession(NamedTuple):
    """`items`: positions of words near the answer; `then`: what is said when each is replaced by the next."""

    holds: bool
    items: tuple[int, ...]
    then: int | None

    @property
    def source(self) -> int | None:
        """The position of the item that is gone on from, the last one."""
        return self.items[-1] if self.items else None


def try_sequence(frozen: Frozen, answer: int) -> Succession:
    """Replace every item by the one after it, the last by the answer: a new word of the kind must follow."""
    subject, ids = frozen.subject, frozen.ids.tolist()
    least = nearness(subject, answer)
    near = similar(subject, [answer], ids)[0].tolist()
    texts = [surface(text) for text in frozen.tokens]
    same = surface(subject.token_texts([answer])[0])
    items = tuple(index for index, cosine in enumerate(near) if cosine >= least and texts[index].isalnum())
    if len(items) < ITEMS or same in texts or len({texts[index] for index in items}) < len(items):
        return Succession(False, items, None)
    if not _stand_in_a_list(frozen.tokens, items):
        return Succession(False, items, None)
    moved = tuple(zip(items, [*(ids[index] for index in items[1:]), answer], strict=True))
    then = int(logits_with(frozen, [moved])[0].argmax())
    new = surface(subject.token_texts([then])[0])
    is_new = new != same and new not in texts and float(similar(subject, [answer], [then])[0, 0]) >= least
    return Succession(is_new, items, then)


def _stand_in_a_list(tokens: Sequence[str], items: Sequence[int]) -> bool:
    """Whether the same stands between all items, and behind the last, but for one place.

    Words of a kind that are scattered over a sentence are no list.
    """
    ends = [*items[1:], len(tokens)]
    between = Counter(
        tuple(tokens[index + 1 : end]) for index, end in zip(items, ends, strict=True)
    ).most_common(1)
    return between[0][1] >= len(items) - ODD
