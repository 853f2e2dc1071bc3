"""Agreement: the answer's form follows the number of one word, and of no other."""

from typing import NamedTuple

from tracer.attribution import Frozen
from tracer.concepts.kinds import is_content, nearness
from tracer.concepts.mechanisms.texts import logits_with
from tracer.lens import similar
from tracer.models import Subject


class Agreement(NamedTuple):
    """`position`: the word whose other number makes the model say `becomes`; `instead` is that other form."""

    holds: bool
    position: int | None
    instead: int | None
    becomes: int | None


def try_agreement(frozen: Frozen, answer: int) -> Agreement:
    """Put each word of the text into its other number, where that is one token (with or without an s)."""
    pairs = [
        (position, other)
        for position, token in enumerate(frozen.ids.tolist())
        for other in [other_number(frozen.subject, token)]
        if other is not None
    ]
    if not pairs:
        return Agreement(False, None, None, None)
    said = logits_with(frozen, [((position, other),) for position, other in pairs]).argmax(-1).tolist()
    least = nearness(frozen.subject, answer)
    flips = [
        (position, other, then)
        for (position, other), then in zip(pairs, said, strict=True)
        if then != answer and float(similar(frozen.subject, [answer], [then])[0, 0]) >= least
    ]
    grammar = not is_content(frozen.subject.token_texts([answer])[0])
    if len(flips) != 1 or not grammar:
        return Agreement(False, None, None, None)
    return Agreement(True, *flips[0])


def other_number(subject: Subject, token: int) -> int | None:
    """The token with an s more or less, where it is one token of nearly the same meaning."""
    text = subject.token_texts([token])[0]
    if not is_content(text) or not text.strip().isalpha():
        return None
    spelled = text[:-1] if text.endswith("s") else f"{text}s"
    ids = subject.pieces(spelled)
    if len(ids) != 1 or float(similar(subject, [token], ids)[0, 0]) < nearness(subject, token):
        return None
    return ids[0]
