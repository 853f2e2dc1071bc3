"""What a feature's evidence says, in words: labels without a language model. Pure text, no numbers made.

Tokens are shown as they are written everywhere (agent.words); a label never holds more than MOST of them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.words import quoted

MOST = 5  # tokens a label names
NAMED = 3  # tokens of a label that are embedded
AROUND = 2  # tokens named of what stands before, and of what stands after
LEAST_SHARE = 0.04  # of a feature's peaks, for a token around it to be named


@dataclass(frozen=True, slots=True)
class Peaks:
    """What a label is made from: tokens with their shares of the feature's peaks, most telling first."""

    kind: str
    token: Sequence[tuple[str, float]]
    following: Sequence[tuple[str, float]]
    before: Sequence[tuple[str, float]]
    group: str  # a class of tokens, or ""
    group_follows: bool  # it is the next token's
    promotes: Sequence[str]


def label(peaks: Peaks) -> str:
    """The label of one feature; what no detector tells is called unlabelled."""
    match peaks.kind:
        case "position":
            return "the beginning of a text"
        case "token":
            return f"the token {_names(peaks.token[:1])}"
        case "class":
            return f"before {peaks.group}" if peaks.group_follows else peaks.group
        case "say":
            return f"{_saying(peaks)} {_names(peaks.following)}"
        case "tokens":
            return _names(peaks.token)
        case "context":
            return _in_context(peaks)
        case "theme":
            return f"promotes {_names([(token, 1.0) for token in peaks.promotes])}"
    return "unlabelled"


def _saying(peaks: Peaks) -> str:
    """`say` where its weights promote what comes next, `before` where it only comes next."""
    promoted = {_folded(token) for token in peaks.promotes}
    return "say" if promoted & {_folded(token) for token, _ in peaks.following[:MOST]} else "before"


def _in_context(peaks: Peaks) -> str:
    parts = [_names(peaks.token[:3])]
    if following := [pair for pair in peaks.following if pair[1] >= LEAST_SHARE][:AROUND]:
        parts.append(f"{_saying(peaks)} {_names(following)}")
    if before := [pair for pair in peaks.before if pair[1] >= LEAST_SHARE][:AROUND]:
        parts.append(f"after {_names(before)}")
    return ", ".join(parts)


def _names(pairs: Iterable[tuple[str, float]]) -> str:
    """Up to MOST tokens, once each whatever their case and spaces."""
    seen: dict[str, str] = {}
    for token, _ in pairs:
        seen.setdefault(_folded(token), token)
    return ", ".join(quoted(token.strip() or token) for token in list(seen.values())[:MOST])


def _folded(token: str) -> str:
    return token.strip().casefold() or token


def searchable(text: str) -> str:
    """A label as it is embedded: its first NAMED tokens in small letters; like labels are one sentence.

    What stands before and after is left out: it is seldom what somebody looks for, and makes labels differ.
    """
    tokens = re.findall("“([^”]*)”", re.split(r", (?:say|before|after) “", text)[0])
    words = ", ".join(token.strip() for token in tokens[:NAMED])
    if not tokens:
        return text
    lead = text.split("“")[0]
    return f"{lead}{words}".casefold()


def borne_out(text: str, contexts: Iterable[tuple[str, str, str]]) -> bool:
    """Whether a label that names tokens is seen at least once in contexts (token before, token, token after).

    Labels of classes and of positions name none and stay.
    """
    segments = re.split(r"(?:^|, )(say|before|after) (?=“)", text)
    named = {"token": _told(segments[0]), "after": set[str](), "before": set[str]()}
    for word, tokens in zip(segments[1::2], segments[2::2], strict=True):
        named["before" if word == "after" else "after"] |= _told(tokens)
    if not any(named.values()):
        return True
    return any(
        _folded(token) in named["token"]
        or _folded(after) in named["after"]
        or _folded(before) in named["before"]
        for before, token, after in contexts
    )


def _told(segment: str) -> set[str]:
    shown_as = {"⏎": "\n", "⇥": "\t"}
    found = re.findall("“([^”]*)”", segment)
    return {_folded("".join(shown_as.get(c, c) for c in token)) for token in found}
