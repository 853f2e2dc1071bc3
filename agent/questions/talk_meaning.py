"""Which request about the conversation a message is by its meaning, where no phrase of `patterns_talk` fits.

The nearest of the sentences in `data/talk.txt` by all-MiniLM-L6-v2 says it, where it is near enough and no
sentence that means something else is as near. `tests/benchmarks/fit_talk.py` makes their vectors.
"""

import logging
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.core import Intent, LibraryError
from agent.questions.intent_classifier import encode_sentence

log = logging.getLogger(__name__)

NEAR = 0.5  # cosine of a sentence that means the same
AHEAD = 0.04  # by which it must be nearer than any that means something else


def read_bank() -> list[tuple[str, str, str]]:
    """The sentences: intent (none for what is meant otherwise), how it is to be told, words."""
    told = files("agent").joinpath("questions/data/talk.txt").read_text(encoding="utf-8")
    rows = [line.partition(" | ") for line in told.splitlines() if " | " in line]
    return [(*(f"{label} ".split(" ")[:2]), words) for label, _, words in rows]  # type: ignore[misc]


@cache
def _vectors() -> NDArray[np.float32]:
    with files("agent").joinpath("questions/data/talk.npz").open("rb") as file:
        kept: Any = np.load(file, allow_pickle=False)
        return np.asarray(kept["vectors"], np.float32)


def nearest_talk(message: str) -> tuple[Intent, str] | None:
    """The intent and how it is to be told; None where the message is near to none of them."""
    try:
        vector = encode_sentence(message)
    except LibraryError:
        log.warning("messages about the conversation are read by their phrases alone", exc_info=True)
        return None
    bank, near = read_bank(), _vectors() @ vector
    best = int(near.argmax())
    name, how, _ = bank[best]
    others = max((float(n) for (one, _, _), n in zip(bank, near, strict=True) if one != name), default=0.0)
    if name == "none" or near[best] < NEAR or near[best] < others + AHEAD:
        return None
    return Intent(name), how


def nearest_how(message: str) -> str:
    """How the answer is wanted, by the nearest sentence that asks for another way of telling."""
    try:
        near = _vectors() @ encode_sentence(message)
    except LibraryError:
        return ""
    told = [
        (float(n), how) for (name, how, _), n in zip(read_bank(), near, strict=True) if name == Intent.LENGTH
    ]
    return max(told)[1]
