"""Which words of a message fill which slot, when its intent is known. Knows no graph.

A chain of labels, one a word (linear-chain conditional random field; Lafferty et al. 2001), read off by
Viterbi. Words are told by themselves only where questions are made of them; all others by their shape, so
that no answer or name is known by heart. The weights are fitted by `tests/benchmarks/fit_tagger.py`.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.questions.patterns_fallback import UNFINISHED
from agent.questions.quoting import ANY_MARK, LiftedMessage
from agent.questions.span_detection import NODE, TOKEN_WORDS

SLOTS = ("text", "said", "foil", "group", "other")
LABELS = ("O", *(f"{where}-{slot}" for slot in SLOTS for where in "BI"))
MAX_WORDS = 120  # words of a message
WORD = re.compile(rf"{ANY_MARK}|\b{NODE}|[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]|_+", re.I)
TEXT_MARK, TOKEN_MARK = "<text>", "<token>"


class Word(NamedTuple):
    """A word as the chain sees it, and where it stands."""

    seen: str  # a quoted part is one word: TEXT_MARK or TOKEN_MARK
    start: int = 0
    end: int = 0


class TaggerWeights(NamedTuple):
    """What agent/data/tagger.npz holds."""

    common: frozenset[str]
    known: dict[str, int]
    emit: NDArray[np.float32]  # feature label
    step: NDArray[np.float32]  # label label, the earlier first
    first: NDArray[np.float32]  # label


def split_words(plain: str, lifted: LiftedMessage) -> list[Word]:
    """The words of a message whose quoted parts are marks."""
    found = []
    for match in WORD.finditer(plain):
        part = lifted.parts.get(match[0])
        found.append(Word(match[0] if part is None else quote_shape(part.inner), *match.span()))
    return found


def quote_shape(inner: str | None) -> str:
    """What a quoted part (None: the middle of a long message) is seen as: a text, or a token or a name."""
    if inner is None or len(inner.split()) > TOKEN_WORDS:
        return TEXT_MARK
    return TEXT_MARK if len(inner) > 3 and UNFINISHED.search(inner) else TOKEN_MARK


def word_shape(word: str, common: frozenset[str]) -> str:
    """What is seen of a word: itself where it is common or no word, else its shape."""
    low = word.casefold().replace("’", "'")
    if low in common or word in (TEXT_MARK, TOKEN_MARK):
        return low
    if re.fullmatch(NODE, word, re.I):
        return "<node>"
    if word[:1].isdigit():
        return "<number>"
    if not word[:1].isalpha():
        return word
    return "<upper>" if len(word) > 1 and word.isupper() else "<name>" if word[:1].isupper() else "<word>"


def list_word_features(words: Sequence[str], intent: str, common: frozenset[str]) -> list[list[str]]:
    """What is seen at each word: itself and its neighbours, alone and with the intent."""
    seen = ["<<", "<", *(word_shape(word, common) for word in words), ">", ">>"]
    capital = [False, False, *(word[:1].isupper() for word in words), False, False]
    quoted = f"{min(words.count(TEXT_MARK), 2)}{min(words.count(TOKEN_MARK), 2)}"
    found = []
    for at in range(2, len(seen) - 2):
        two_before, before, own, after, two_after = seen[at - 2 : at + 3]
        cap = "C" if capital[at] else "c"
        sight = [
            f"0{own}",
            f"-{before}",
            f"+{after}",
            f"={two_before}",
            f"#{two_after}",
            f"-0{before} {own}",
            f"0+{own} {after}",
            f"-+{before} {after}",
            f"=-{two_before} {before}",
            f"+#{after} {two_after}",
            f"-0+{before} {own} {after}",
            f"=-0{two_before} {before} {own}",
            f"0+#{own} {after} {two_after}",
            f"c0{cap} {own}",
            f"c-{cap} {before}",
        ]
        with_intent = [
            f"0{own}",
            f"-{before}",
            f"+{after}",
            f"-0{before} {own}",
            f"0+{own} {after}",
            f"q{quoted} {own}",
        ]
        with_intent += [f"=-{two_before} {before}", f"c{cap}{'C' if capital[at - 1] else 'c'}"]
        found.append(sight + [f"{intent} {one}" for one in with_intent] + [f"q{quoted}", f"{intent}"])
    return found


@cache
def _weights() -> TaggerWeights:
    with files("agent").joinpath("questions/data/tagger.npz").open("rb") as file:
        kept: Any = np.load(file, allow_pickle=False)
        known = {str(name): at for at, name in enumerate(kept["known"])}
        numbers = [kept[name].astype(np.float32) for name in ("emit", "step", "first")]
        return TaggerWeights(frozenset(str(word) for word in kept["common"]), known, *numbers)


def common_words() -> frozenset[str]:
    """The words that questions are made of."""
    return _weights().common


def is_question_word(word: str) -> bool:
    """Whether questions are made of this word, whatever they are about."""
    return word[:1].islower() and word.casefold().replace("’", "'") in _weights().common


def decode_labels(words: Sequence[str], intent: str, weights: TaggerWeights) -> list[str]:
    """The likeliest chain of labels."""
    scores = np.zeros((len(words), len(LABELS)), np.float32)
    for at, seen in enumerate(list_word_features(words, intent, weights.common)):
        here = [weights.known[one] for one in seen if one in weights.known]
        scores[at] = weights.emit[here].sum(0)
    best, came = weights.first + scores[0], []
    for score in scores[1:]:
        ways = best[:, None] + weights.step
        came.append(ways.argmax(0))
        best = ways.max(0) + score
    chain = [int(best.argmax())]
    for back in reversed(came):
        chain.append(int(back[chain[-1]]))
    return [LABELS[label] for label in reversed(chain)]


def tag_slots(plain: str, lifted: LiftedMessage, intent: str) -> dict[str, tuple[int, int]]:
    """Where the slots of a message stand: from, to."""
    words = split_words(plain, lifted)[:MAX_WORDS]
    if not words:
        return {}
    found: dict[str, tuple[int, int]] = {}
    now = ""  # the slot that is being filled
    for word, label in zip(words, decode_labels([w.seen for w in words], intent, _weights()), strict=True):
        where, _, slot = label.partition("-")
        if where == "B" and slot not in found:
            found[slot], now = (word.start, word.end), slot
        elif where == "I" and slot == now:
            found[slot] = (found[slot][0], word.end)
        else:
            now = ""
    return found


def find_lone_word(plain: str, lifted: LiftedMessage, text: tuple[int, int] | None) -> tuple[int, int] | None:
    """Where the only word outside the text stands that no question is made of; None where there are more."""
    start, end = text or (0, 0)
    strange = [
        word
        for word in split_words(plain, lifted)
        if not start <= word.start < end
        and word.seen[:1].isalnum()
        and not is_question_word(word.seen.lower())
    ]
    return (strange[0].start, strange[0].end) if len(strange) == 1 else None
