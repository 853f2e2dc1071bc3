"""Copying: the answer stands earlier in the text; change it there and the answer follows."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import find_rival_in_text, same_kind
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words
from tracer.interventions import attention_patterns

TRIED = 8
ENOUGH = 0.6  # of the replaced words that must be said instead


class Copying(NamedTuple):
    """`followed`: the part of other words, put where the answer stood, that were said instead of it.

    `head` (layer, head) attends most from the last position to where it was copied from. `rival`: another
    word of its kind in the text that stands at `rival_at` last and is said when the answer stands there
    instead: it is not copied because it stands there; None where there is none.
    """

    holds: bool
    followed: float
    positions: tuple[int, ...]
    head: tuple[int, int] | None
    attention: float
    rival: int | None = None
    rival_at: int | None = None

    @property
    def source(self) -> int | None:
        """The position of the word that is copied, the last of them."""
        return self.positions[-1] if self.positions else None


def try_copying(frozen: Frozen, words: Words, answer: int) -> Copying:
    """Replace every earlier occurrence of the answer by each of a few words of its kind (any without one)."""
    places = tuple(index for index, token in enumerate(frozen.ids.tolist()) if token == answer)
    if not places:
        return Copying(False, 0.0, (), None, 0.0)
    kind = [token for token, _ in same_kind(frozen.subject, answer, words.tokens.tolist())]
    others = [token for token in kind if token not in frozen.ids.tolist()][:TRIED]
    others = others or drawn_words(frozen, words, TRIED)
    logits = logits_with(frozen, [tuple((place, other) for place in places) for other in others])
    said = [int(row.argmax()) == other for row, other in zip(logits, others, strict=True)]
    looks = attention_patterns(frozen)
    after = [place + shift for place in places for shift in (0, 1) if place + shift < frozen.length - 1]
    best = [
        (float(layer[head, -1, after].sum()), (index, head))
        for index, layer in enumerate(looks)
        for head in range(len(layer))
    ]
    attention, head = max(best)
    followed = sum(said) / max(1, len(said))
    rival, at = _ruled_out(frozen, answer) if followed >= ENOUGH else (None, None)
    return Copying(followed >= ENOUGH, followed, places, head, attention, rival, at)


def _ruled_out(frozen: Frozen, answer: int) -> tuple[int | None, int | None]:
    """The other word of the answer's kind, and where it stands last, if with the answer there it is said."""
    rival, ids = find_rival_in_text(frozen, answer), frozen.ids.tolist()
    if rival is None or ids.count(rival) < 2:  # then nothing of it would be left to copy
        return None, None
    at = max(index for index, token in enumerate(ids) if token == rival)
    says = int(logits_with(frozen, [((at, answer),)])[0].argmax())
    return (rival, at) if says == rival else (None, None)
