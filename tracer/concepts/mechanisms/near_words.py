"""Words like one that counts, in its place: whether it is that word or its kind that does."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import (
    find_alternatives,
    is_content,
    of_one_kind,
    related,
    same_kind,
    stand_alone,
)
from tracer.concepts.mechanisms.texts import logits_with
from tracer.concepts.words import Words
from tracer.lens import surface

TRIED = 12  # near words
LOOKED_AT = 40  # nearest ones of which they are chosen
NUMBERS = 100  # that are put in the place of one
CLEAR = 1.25  # times the answer's probability that what comes instead must have


class Turn(NamedTuple):
    """A near word (`other`) in the place of one of the text, and what the model clearly says then.

    `of_kind`: whether that is of the answer's own kind.
    """

    other: int
    says: int
    probability: float
    of_kind: bool


class NearWords(NamedTuple):
    """The near words tried at `position`, nearest first, those that bring the same, and what others bring.

    `turns`: those of the answer's kind first, each group with the most probable first; each word that is said
    once. `left`: the answer's probability with the first of those that bring the same.
    """

    position: int
    tried: tuple[int, ...]
    same: tuple[int, ...]
    turns: tuple[Turn, ...]
    left: float = 0.0


def try_near_words(frozen: Frozen, words: Words, answer: int, position: int) -> NearWords:
    """Put words that mean nearly the same in the place of one (of one token); measured once a text."""
    key = "near words", answer, position
    if key not in frozen.found:
        frozen.found[key] = _try_near_words(frozen, words, answer, position)
    found: NearWords = frozen.found[key]
    return found


def _try_near_words(frozen: Frozen, words: Words, answer: int, position: int) -> NearWords:
    subject, token = frozen.subject, int(frozen.ids[position])
    near = [other for other, _ in same_kind(subject, token, _pool(frozen, words, position))[:LOOKED_AT]]
    whole = [other for other, alone in zip(near, stand_alone(subject, near), strict=True) if alone]
    held = set(frozen.ids.tolist())
    tried = tuple(of_one_kind(subject, token, [other for other in whole if other not in held])[:TRIED])
    if not tried:
        return NearWords(position, (), (), ())
    p = logits_with(frozen, [((position, other),) for other in tried]).double().softmax(-1)
    best = p.topk(1).indices[:, 0].tolist()
    kind = _of_kind(frozen, answer, best)
    turns = [
        Turn(other, says, float(p[row, says]), says in kind)
        for row, (other, says) in enumerate(zip(tried, best, strict=True))
        if float(p[row, says]) >= CLEAR * float(p[row, answer])
        and (says in kind or _both_mean_something(frozen, answer, says))
        and not _is_trivial(frozen, answer, (position, other), says)
    ]
    turns.sort(key=lambda turn: (not turn.of_kind, -turn.probability))
    once = {turn.says: turn for turn in reversed(turns)}
    rows = [row for row, says in enumerate(best) if says == answer]
    left, first = float(p[rows[0], answer]) if rows else 0.0, tuple(t for t in turns if once[t.says] is t)
    return NearWords(position, tried, tuple(tried[row] for row in rows), first, left)


def _pool(frozen: Frozen, words: Words, position: int) -> list[int]:
    """What the near words are chosen among: numbers for a number, which words do not hold."""
    text, pieces = frozen.tokens[position], frozen.subject.pieces
    if not text.strip().isdigit():
        return words.tokens.tolist()
    spelled = (pieces(text.replace(text.strip(), str(number))) for number in range(NUMBERS))
    return [ids[0] for ids in spelled if len(ids) == 1]


def _of_kind(frozen: Frozen, answer: int, said: Sequence[int]) -> set[int]:
    """Those of what is said then that are of the answer's kind: beside its likeliest alternatives here."""
    subject = frozen.subject
    near = [token for token, _ in related(subject, answer, said)]
    if not near or not is_content(subject.token_texts([answer])[0]):
        return set(near)
    beside = [other.token_id for other in find_alternatives(frozen, answer)]
    return set(of_one_kind(subject, answer, [*dict.fromkeys([*near, *beside])])).intersection(near)


def _both_mean_something(frozen: Frozen, answer: int, says: int) -> bool:
    """What comes for a function word is another, or only the grammar has changed."""
    return all(map(is_content, frozen.subject.token_texts([answer, says])))


def _is_trivial(frozen: Frozen, answer: int, put: tuple[int, int], says: int) -> bool:
    """Whether what is said is the answer in another spelling, or the very word that was put in.

    Where that stands in the place of the answer itself, it shows that the answer is taken from there.
    """
    own, other, said = (surface(text) for text in frozen.subject.token_texts([answer, put[1], says]))
    return said == own or (said == other and surface(frozen.tokens[put[0]]) != own)
