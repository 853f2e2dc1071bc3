"""Succession: the text is a list, and when every item moves on by one, so does the answer.

Whether it is the last item alone that is gone on from shows when others stand before it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch

from tracer.attribution import Frozen
from tracer.autointerp import GRAMMAR
from tracer.concepts.kinds import nearness, of_one_kind, same_kind, spelled_like, stand_alone
from tracer.concepts.mechanisms.texts import logits_with
from tracer.lens import FREQUENT, similar, surface

ITEMS = 3  # of the answer's kind that must stand before it
NEAREST = 24  # words of the kind that may stand in the place of the items before the last
TRIES = 10  # times others do
ODD = 1  # stretches between items that may differ from the others ("one, two, and")


class Succession(NamedTuple):
    """`items`: positions of words near the answer; `then`: what is said when each is replaced by the next.

    `put`: those, and the answer at last.

    `before`: tokens of the kind that were put in the place of all items but the last, a list a try;
    `next_item` is the likeliest word of the kind then. () where the list does not hold.
    """

    holds: bool
    items: tuple[int, ...]
    then: int | None
    before: tuple[tuple[int, ...], ...] = ()
    next_item: tuple[int, ...] = ()
    put: tuple[int, ...] = ()

    @property
    def source(self) -> int | None:
        """The position of the item that is gone on from, the last one."""
        return self.items[-1] if self.items else None


def try_sequence(frozen: Frozen, answer: int) -> Succession:
    """Replace every item by the one after it, the last by the answer: a new word of the kind must follow."""
    subject, ids = frozen.subject, frozen.ids.tolist()
    least = nearness(subject, answer)
    # the first word of a text has no space before it
    spaced = [spelled_like(subject, token, answer) or token for token in ids]
    near = similar(subject, [answer], spaced)[0].tolist()
    texts = [surface(text) for text in frozen.tokens]
    same = surface(subject.token_texts([answer])[0])
    items = tuple(index for index, cosine in enumerate(near) if cosine >= least and texts[index].isalnum())
    items = _with_the_first(frozen.tokens, items)
    if len(items) < ITEMS or same in texts or len({texts[index] for index in items}) < len(items):
        return Succession(False, items, None)
    if not _stand_in_a_list(frozen.tokens, items):
        return Succession(False, items, None)
    moved = tuple(zip(items, [*(ids[index] for index in items[1:]), answer], strict=True))
    then = int(logits_with(frozen, [moved])[0].argmax())
    new = surface(subject.token_texts([then])[0])
    is_new = (
        new.isalnum()
        and new != same
        and new not in texts
        and float(similar(subject, [answer], [then])[0, 0]) >= least
    )
    if not is_new:
        return Succession(False, items, then)
    listed = [spaced[index] for index in items]
    kind = _of_their_kind(frozen, [*listed, answer, then])
    before = _drawn_before(listed[:-1], [token for token in kind if token not in (listed[-1], answer)])
    put = [tuple(zip(items, tokens, strict=False)) for tokens in before]
    likeliest = logits_with(frozen, put)[:, kind].argmax(-1).tolist() if put else []
    shifted = tuple(token for _, token in moved)
    return Succession(True, items, then, before, tuple(kind[index] for index in likeliest), shifted)


def _of_their_kind(frozen: Frozen, known: Sequence[int]) -> list[int]:
    """The tokens that are known to be of a kind, and others of it that are whole words."""
    subject, answer = frozen.subject, known[-2]
    near = [token for token, _ in same_kind(subject, answer, range(min(FREQUENT, len(subject.unembedding))))]
    others = [token for token in near[:NEAREST] if token not in known]
    whole = [token for token, alone in zip(others, stand_alone(subject, others), strict=True) if alone]
    return list(dict.fromkeys([*known, *of_one_kind(subject, answer, whole)]))


def _drawn_before(now: Sequence[int], kind: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Words of the kind for the items before the last, in a few orders other than their own."""
    orders, tries = torch.Generator().manual_seed(0), dict[tuple[int, ...], None]()
    for _ in range(4 * TRIES):
        drawn = torch.randperm(len(kind), generator=orders)[: len(now)].tolist()
        tries[tuple(kind[index] for index in drawn)] = None
    tries.pop(tuple(now), None)
    return tuple(tries)[:TRIES]


def _with_the_first(tokens: Sequence[str], items: tuple[int, ...]) -> tuple[int, ...]:
    """The items, and the word before them where the same stands between: "one" is also no number."""
    if len(items) < ITEMS - 1:
        return items
    between = list(tokens[items[0] + 1 : items[1]])
    first = items[0] - len(between) - 1
    listed = first >= 0 and list(tokens[first + 1 : items[0]]) == between and surface(tokens[first]).isalnum()
    return (first, *items) if listed and between else items


def _stand_in_a_list(tokens: Sequence[str], items: Sequence[int]) -> bool:
    """Whether the same stands between all items, and behind the last, but for one place.

    Words of a kind that are scattered over a sentence are no list, and neither is a row of words that nothing
    parts with function words in it: to a small model "capital", "of" and "France" are of one kind.
    """
    ends = [*items[1:], len(tokens)]
    between = Counter(tuple(tokens[index + 1 : end]) for index, end in zip(items, ends, strict=True))
    parts, often = between.most_common(1)[0]
    is_row = not parts and any(tokens[index].strip() in GRAMMAR for index in items)
    return often >= len(items) - ODD and not is_row
