"""Which intent a message has by its meaning, where no phrase fits. Knows no slots and no graph.

A linear classifier over what all-MiniLM-L6-v2 makes of the message, the words and pairs of words in it,
and which phrase of `agent.questions.patterns` fitted. Its weights are fitted from `data/phrasings.txt` by
`tests/benchmarks/fit_meaning.py` and lie beside it. Quoted parts and ids of nodes are masked first.
"""

import logging
import re
from collections.abc import Collection
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core import LibraryError, load_shared_encoder
from agent.questions.quoting import LiftedMessage
from agent.questions.span_detection import Spans

log = logging.getLogger(__name__)

MAX_CHARACTERS = 240  # characters around the quoted parts; what is longer is hardly a question
PLAIN = "plain"  # the class of texts that ask nothing: they are to be continued
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[^\W\d_a-z]+|[?!:>=+-]")

Features = NDArray[np.float32]


def mask_message(plain: str, lifted: LiftedMessage) -> str:
    """The message with TEXT, WORD and GROUP where a text, a token or a name, or a node stands."""
    out, at = [], 0
    for start, end, kind in Spans(plain, lifted).places():
        out += [plain[at:start], f" {kind} "]
        at = end
    return " ".join("".join([*out, plain[at:]]).split())


def list_marks(sentence: str, fitted: str | None) -> set[str]:
    """What a masked sentence shows beside its meaning: words, pairs, how it ends, which phrase fitted."""
    words = ["<", *WORD.findall(sentence.casefold()), ">"]
    found = set(words[1:-1]) | {f"{a} {b}" for a, b in pairwise(words)}
    texts, tokens = sentence.count("TEXT"), sentence.count("WORD")
    found |= {f"#texts {min(texts, 2)}", f"#tokens {min(tokens, 2)}", f"#long {min(len(words) // 6, 3)}"}
    return found | {f"#fits {fitted}"}


@cache
def _weights() -> tuple[list[str], dict[str, int], NDArray[np.float32]]:
    """The classes, the place of each mark, and the weights (feature class), last the constants."""
    with files("agent").joinpath("questions/data/meaning.npz").open("rb") as file:
        kept: Any = np.load(file, allow_pickle=False)
        classes, known = [str(c) for c in kept["classes"]], [str(m) for m in kept["marks"]]
        weights = kept["weights"].astype(np.float32)
    return classes, {mark: at for at, mark in enumerate(known)}, weights


def count_marks(found: Collection[str], known: dict[str, int]) -> Features:
    """The marks as one row, of length 1."""
    row = np.zeros(len(known), np.float32)
    at = [known[mark] for mark in found if mark in known]
    row[at] = 1 / np.sqrt(max(len(at), 1))
    return row


@lru_cache(maxsize=64)
def encode_sentence(sentence: str) -> NDArray[np.float32]:
    """What all-MiniLM-L6-v2 makes of a sentence; raises LibraryError where the encoder cannot be loaded."""
    return np.asarray(load_shared_encoder().encode([sentence])[0], np.float32)


def classify_message(sentence: str, fitted: str | None) -> dict[str, float]:
    """The probability of each class, `PLAIN` among them; empty where the message is too long to say.

    `sentence` is masked; `fitted` names the intent whose phrase fits the message, if one does.
    """
    if len(sentence) > MAX_CHARACTERS or not any(char.isalpha() for char in sentence):
        return {}
    classes, known, weights = _weights()
    try:
        vector = encode_sentence(sentence)
    except LibraryError:
        log.warning("questions are read by their phrases alone", exc_info=True)
        return {}
    row = np.concatenate([vector, count_marks(list_marks(sentence, fitted), known), np.ones(1, np.float32)])
    scores = row @ weights
    odds = np.exp(scores - scores.max())
    return {name: float(p) for name, p in zip(classes, odds / odds.sum(), strict=True)}
