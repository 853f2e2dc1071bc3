"""Copying: the answer stands earlier in the text; change it there and the answer follows."""

from itertools import islice
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import (
    find_in_text,
    find_rival_in_text,
    same_kind,
    spelled_like,
    with_space,
)
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words
from tracer.interventions import attention_patterns

TRIED = 8
ENOUGH = 0.6  # of the replaced words that must be said instead


class Copying(NamedTuple):
    """`followed`: the part of other words, put where the answer stood, that were said instead of it.

    `head` (layer, head) attends most from the last position to where it was copied from. `rival`: another
    word of its kind in the text that stands at `rival_at` last and is said when the answer stands there
    instead: it is not copied because it stands there; None where there is none. `put`: the tokens that stood
    at the positions in the first try that was followed, `then` what was said.
    """

    holds: bool
    followed: float
    positions: tuple[int, ...]
    head: tuple[int, int] | None
    attention: float
    rival: int | None = None
    rival_at: int | None = None
    put: tuple[int, ...] = ()
    then: int | None = None

    @property
    def source(self) -> int | None:
        """The position of the word that is copied, the last of them."""
        return self.positions[-1] if self.positions else None


def try_copying(frozen: Frozen, words: Words, answer: int) -> Copying:
    """Replace every earlier occurrence of the answer by each of a few words of its kind (any without one).

    A word counts as one with and without the space it begins with: "Sarah" that begins a text is " Sarah".
    """
    subject, places = frozen.subject, find_in_text(frozen, answer)
    if not places:
        return Copying(False, 0.0, (), None, 0.0)
    ids = frozen.ids.tolist()
    kind = [token for token, _ in same_kind(subject, with_space(subject, answer), words.tokens.tolist())]
    others = [token for token in kind if not find_in_text(frozen, token)] or drawn_words(frozen, words, TRIED)
    spelled = ([spelled_like(subject, other, ids[place]) for place in places] for other in others)
    whole = ([token for token in row if token is not None] for row in spelled)
    rows = list(islice((row for row in whole if len(row) == len(places)), TRIED))
    if not rows:
        return Copying(False, 0.0, places, None, 0.0)
    logits = logits_with(frozen, [tuple(zip(places, row, strict=True)) for row in rows])
    best = logits.argmax(-1).tolist()
    then = subject.token_texts(best)
    put = subject.token_texts([row[0] for row in rows])
    said = [one.strip() == other.strip() for one, other in zip(then, put, strict=True)]
    looks = attention_patterns(frozen)
    after = [place + shift for place in places for shift in (0, 1) if place + shift < frozen.length - 1]
    views = [
        (float(layer[head, -1, after].sum()), (index, head))
        for index, layer in enumerate(looks)
        for head in range(len(layer))
    ]
    attention, head = max(views)
    followed = sum(said) / max(1, len(said))
    rival, at = _ruled_out(frozen, answer) if followed >= ENOUGH else (None, None)
    first = said.index(True) if any(said) else None
    found = Copying(followed >= ENOUGH, followed, places, head, attention, rival, at)
    return found if first is None else found._replace(put=tuple(rows[first]), then=best[first])


def _ruled_out(frozen: Frozen, answer: int) -> tuple[int | None, int | None]:
    """The other word of the answer's kind, and where it stands last, if with the answer there it is said."""
    rival = find_rival_in_text(frozen, answer)
    places = () if rival is None else find_in_text(frozen, rival)
    if len(places) < 2:  # then nothing of it would be left to copy
        return None, None
    at = max(places)
    put = spelled_like(frozen.subject, answer, int(frozen.ids[at]))
    if put is None:
        return None, None
    says = int(logits_with(frozen, [((at, put),)])[0].argmax())
    return (rival, at) if says == rival else (None, None)
