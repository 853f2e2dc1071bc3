"""A slot of a kind: one word asks for it; where another is replaced, a word of the kind is said still."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import find_alternatives, is_content, same_kind
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words

TRIED = 8
ENOUGH = 0.5  # of the kind's probability that is kept where any other word is put
SAID = 0.6  # of other words at a given place with which a word of the kind must be said
ASKED = 0.35  # the word that asks: without it at most so much is kept


class Slot(NamedTuple):
    """`says`: what is likeliest with each of other words at `position`.

    `kept`: the part of them with which a word of the kind is said, where the place was given; what is left
    of the kind's probability on average, where it was looked for. `asks` is then the position of the word
    without which least of that is left, `without` how much.
    """

    holds: bool
    position: int
    kept: float
    says: tuple[int, ...]
    asks: int | None = None
    without: float = 1.0


def try_slot(frozen: Frozen, words: Words, answer: int, position: int | None = None) -> Slot:
    """Put words that have nothing to do with it where the answer is looked up (the chain's first word).

    Without a position every word is tried: the kind must hang on one of them and be kept without another.
    """
    text = frozen.subject.token_texts([answer])[0]
    if not is_content(text):
        return Slot(False, position or 0, 0.0, ())
    if position is not None:
        says = _kept(frozen, words, answer, [position])[0][1]
        kind = {token for token, _ in same_kind(frozen.subject, answer, says)} | {answer}
        said = sum(token in kind for token in says) / max(1, len(says))
        return Slot(said >= SAID and len(set(says)) > 1, position, said, says)
    return _search(frozen, words, answer)


def _search(frozen: Frozen, words: Words, answer: int) -> Slot:
    places = [
        index
        for index in range(int(frozen.bos), frozen.length)
        if frozen.tokens[index][:1].isspace() and is_content(frozen.tokens[index])
    ]
    if len(places) < 2:
        return Slot(False, places[0] if places else 0, 0.0, ())
    found = _kept(frozen, words, answer, places)
    kept = [one for one, _ in found]
    asks = min(range(len(places)), key=lambda row: kept[row])
    free = max((row for row in range(len(places)) if row != asks), key=lambda row: kept[row])
    holds = kept[asks] <= ASKED and kept[free] >= ENOUGH
    return Slot(holds, places[free], kept[free], found[free][1], places[asks], kept[asks])


def _kept(
    frozen: Frozen, words: Words, answer: int, places: Sequence[int]
) -> list[tuple[float, tuple[int, ...]]]:
    """For each place what is left of the kind's probability with drawn words there, and what is said then."""
    others = drawn_words(frozen, words, TRIED)
    kind = [answer, *(one.token_id for one in find_alternatives(frozen, answer))]
    whole = float(frozen.logits.double().softmax(-1)[kind].sum())
    p = logits_with(frozen, [((place, other),) for place in places for other in others]).softmax(-1)
    left = (p[:, kind].sum(-1) / max(whole, 1e-12)).clamp(max=1.0).unflatten(0, (len(places), -1))
    says = p.argmax(-1).unflatten(0, (len(places), -1)).tolist()
    return [(value, tuple(said)) for value, said in zip(left.mean(-1).tolist(), says, strict=True)]
