"""Slips of the pen and shorthand in what people ask, mended. Knows no intent, and mends no text."""

import re
from difflib import get_close_matches
from functools import cache

from agent.questions.patterns_talk import TERMS
from agent.questions.quoting import ANY_MARK, lift_quotes
from agent.questions.slot_tagger import common_words

SHORT = 160  # characters of a message that is mended
CLOSE = 0.8  # how alike a word is to the one that is meant
LEAST = 4  # letters of a word that may be misspelt
SHORTHAND = {
    **{
        "y": "why",
        "wy": "why",
        "u": "you",
        "ur": "your",
        "r": "are",
        "wat": "what",
        "wut": "what",
        "wats": "what is",
    },
    **{"wud": "would", "cud": "could", "shud": "should"},
    **{
        "dat": "that",
        "dis": "this",
        "da": "the",
        "teh": "the",
        "hte": "the",
        "bc": "because",
        "cuz": "because",
    },
    **{"w/o": "without", "w/": "with", "thru": "through", "abt": "about", "rn": "now", "gonna": "going to"},
    **{"gimme": "give me", "lemme": "let me", "wanna": "want to", "doin": "doing", "thinkin": "thinking"},
    **{
        "wich": "which",
        "dont": "don't",
        "doesnt": "doesn't",
        "didnt": "didn't",
        "isnt": "isn't",
        "cant": "can't",
    },
    **{
        "q": "question",
        "w": "with",
        "hw": "how",
        "wrds": "words",
        "tht": "that",
        "bak": "back",
        "plz": "please",
        "info": "information",
        "vs": "versus",
        "n": "and",
        "thats": "that is",
        "it's": "it is",
    },
}
WORD = re.compile(rf"{ANY_MARK}|[^\W\d_]+(?:['’/][^\W\d_]*)*")


def mend_words(message: str) -> str | None:
    """The message with its words as they were meant; None where there is nothing to mend, or it is long."""
    lifted = lift_quotes(message.strip())
    if len(lifted.rest) > SHORT or "\n" in lifted.rest:
        return None
    mended = lifted.raw(WORD.sub(lambda found: _meant(found[0]), lifted.rest))
    return mended if mended != message.strip() else None


@cache
def _meant(word: str) -> str:
    low = word.casefold()
    if low in SHORTHAND:
        return SHORTHAND[low]
    if len(low) < LEAST or not low.isalpha() or low in _vocabulary() or word[0].isupper():
        return word
    near = get_close_matches(low, _vocabulary(), n=1, cutoff=CLOSE)
    return near[0] if near else word


@cache
def _vocabulary() -> frozenset[str]:
    """The words that questions are made of."""
    return frozenset(word for word in (*common_words(), *TERMS) if len(word) >= LEAST and word.isalpha())
