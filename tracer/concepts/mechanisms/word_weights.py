"""Which words of the text count: what is left of the answer when others are put in the place of each."""

from collections.abc import Sequence
from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import find_alternatives, is_content, is_name, relatedness
from tracer.concepts.mechanisms.texts import drawn_words, logits_with
from tracer.concepts.words import Words, word_places
from tracer.lens import similar, surface

TRIED, TRIED_ON_LONG = 8, 4  # drawn words a place
LONG = 160  # tokens from which fewer are
MOST = 12  # words of the text that are looked at, the last ones


class WordWeight(NamedTuple):
    """A word (first and last position), and the mean shares that are left with drawn words in its place.

    `kept`: of the answer's probability; `kind`: of that of all words of its kind together.
    """

    first: int
    last: int
    kept: float
    kind: float


def weigh_words(frozen: Frozen, words: Words, answer: int) -> tuple[WordWeight, ...]:
    """What hangs on each word that means something, in the order of the text; measured once a text."""
    key = "word weights", answer
    if key not in frozen.found:
        frozen.found[key] = _weigh(frozen, words, answer, _spans(frozen)[-MOST:])
    found: tuple[WordWeight, ...] = frozen.found[key]
    return found


def _weigh(
    frozen: Frozen, words: Words, answer: int, spans: Sequence[tuple[int, int]]
) -> tuple[WordWeight, ...]:
    others = drawn_words(frozen, words, TRIED if frozen.length <= LONG else TRIED_ON_LONG)
    kind = [answer, *(one.token_id for one in find_alternatives(frozen, answer))]
    clean = frozen.logits.double().softmax(-1)[kind]
    replaced = [
        tuple((position, other) for position in range(first, last + 1))
        for first, last in spans
        for other in others
    ]
    if not replaced:
        return ()
    logits = logits_with(frozen, replaced)
    p = (logits[:, kind] - logits.logsumexp(-1, keepdim=True)).double().exp()
    kept = (p[:, 0] / clean[0].clamp_min(1e-12)).clamp(max=1.0).unflatten(0, (len(spans), -1)).mean(-1)
    kinds = (p.sum(-1) / clean.sum().clamp_min(1e-12)).clamp(max=1.0).unflatten(0, (len(spans), -1)).mean(-1)
    return tuple(
        WordWeight(first, last, own, of_kind)
        for (first, last), own, of_kind in zip(spans, kept.tolist(), kinds.tolist(), strict=True)
    )


def most_expected(frozen: Frozen, answer: int, weights: Sequence[WordWeight]) -> list[WordWeight]:
    """Those of which one would have thought that they count: names, then what is related to the answer."""
    if not weights:
        return []
    subject, ids = frozen.subject, [int(frozen.ids[one.last]) for one in weights]
    near, least = similar(subject, [answer], ids)[0].tolist(), relatedness(subject, answer)
    ranked = zip((is_name(subject, token) for token in ids), near, range(len(ids)), strict=True)
    return [weights[at] for named, value, at in sorted(ranked, reverse=True) if named or value >= least]


def word_around(frozen: Frozen, position: int) -> tuple[int, int]:
    """The first and last position of the word that a token is a piece of."""
    spans = (span for span in _words(frozen) if span[0] <= position <= span[1])
    return next(spans, (position, position))


def _spans(frozen: Frozen) -> list[tuple[int, int]]:
    """The words that mean something; all words where no more than one does ("To be, or not to be")."""
    texts = {span: "".join(frozen.tokens[span[0] : span[1] + 1]) for span in _words(frozen)}
    telling = [span for span, text in texts.items() if is_content(text)]
    return telling if len(telling) > 1 else [span for span, text in texts.items() if surface(text).isalpha()]


def _words(frozen: Frozen) -> list[tuple[int, int]]:
    """The words of the text, with all pieces of each."""
    places, spans = word_places(frozen), list[tuple[int, int]]()
    for place in places:
        token = frozen.tokens[place]
        goes_on = token[:1].isalpha() and spans and spans[-1][1] == place - 1
        if goes_on and frozen.tokens[place - 1][-1:].isalpha():
            spans[-1] = spans[-1][0], place
        else:
            spans.append((place, place))
    return spans
