"""What a feature's evidence says, in words: labels without a language model. Pure text, no numbers made.

Tokens are shown as they are written everywhere (agent.core.text_format). What is named was chosen by
tracer.autointerp.label_selection.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.core import quote_token

MAX_NAMED_TOKENS = 3  # tokens of a label that are embedded
LIKE = " and the like"
ELSEWHERE = ("next", "previous", "text")


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """What a label is made from: the tokens it names by where they stand, and classes."""

    kind: str
    token: Sequence[str] = ()
    following: Sequence[str] = ()
    before: Sequence[str] = ()
    promotes: Sequence[str] = ()
    classes: Sequence[tuple[str, str]] = ()  # whose (token, next, previous, text), and what
    raises: bool = False  # amplifying the feature does raise the tokens in `following`
    loose: Collection[str] = ()  # token, next, previous: where peaks have others like those named, too


def write_label(peaks: LabelEvidence) -> str:
    """The label of one feature; what no rule tells is called unlabelled."""
    match peaks.kind:
        case "position":
            return "the beginning of a text"
        case "token":
            return f"the token {_names(peaks.token)}"
        case "theme":
            return f"promotes {_names(peaks.promotes)}"
        case "unlabelled":
            return "unlabelled"
    return ", ".join(_parts(peaks))


def _parts(peaks: LabelEvidence) -> list[str]:
    """What it fires on, what comes next, what came before, in what text."""
    groups = {
        where: [what for whose, what in peaks.classes if whose == where] for where in ("token", *ELSEWHERE)
    }
    named = {"token": peaks.token, "next": peaks.following, "previous": peaks.before}
    joined = {
        where: " or ".join(groups[where] + ([_names(some) + LIKE * (where in peaks.loose)] if some else []))
        for where, some in named.items()
    }
    # `say` where amplifying it makes what comes next likelier
    before = "say" if peaks.raises and peaks.following and not groups["next"] else "before"
    told = (("", joined["token"]), (f"{before} ", joined["next"]), ("after ", joined["previous"]))
    parts = [lead + part for lead, part in told if part]
    return parts + [f"in {text}" if parts else text for text in groups["text"]]


def _names(tokens: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(quote_token(token.strip() or token) for token in tokens))


def write_embedded_text(text: str) -> tuple[str, ...]:
    """What of a label is embedded: the first NAMED tokens it names, in small letters, else all of it.

    What stands before and after is left out: it is seldom what somebody looks for, and makes labels differ.
    """
    tokens = re.findall("“([^”]*)”", re.split(r", (?:say|before|after|in) ", text)[0])
    return tuple(token.strip().casefold() or token for token in tokens[:MAX_NAMED_TOKENS]) or (text,)
