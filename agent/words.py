"""How tokens and numbers are written, everywhere the same. Pure text."""

import re
from collections.abc import Sequence
from typing import Any

_SHOWN = {"\n": "⏎", "\t": "⇥", "\r": "␍"}
_STRAIGHT = str.maketrans("“”", '""')
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#!|~&$^]|:(?=//)|(?<=www)\.)", re.IGNORECASE)

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]<>#!|~&$^:.])")


def shown(token: str) -> str:
    """A token on one line, its control characters visible."""
    return "".join(_SHOWN.get(c, c if c.isprintable() else "�") for c in token)


def quoted(token: str) -> str:
    """A token in quotes, leading space kept; quotes of its own become straight: ours end where we do."""
    inner = shown(token).translate(_STRAIGHT)
    return f"“{inner}”"


def signed(value: float) -> str:
    """A change of a logit difference."""
    return f"{value:+.2f}".replace("-", "−")


def plain(value: float) -> str:
    """A size."""
    return f"{value:.2f}".replace("-", "−")


def percent(share: float) -> str:
    """A share of 1; small ones keep a digit."""
    digits = 1 if abs(share) < 0.0995 else 0
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def chance(p: float) -> str:
    """A p-value."""
    return f"{p:.2f}" if p >= 0.01 else f"{p:.4f}"


def listed(items: list[str]) -> str:
    """a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def escaped(text: str) -> str:
    """Text as markdown that renders as just that text: no markup, link or image can come of it."""
    whole = text.replace("“ ", "“\u00a0")  # a line must not break between a quote and its token
    return _MARKDOWN.sub(r"\\\1", whole)


def unescaped(markdown: str) -> str:
    """The text that `escaped` made markdown of."""
    return _ESCAPED.sub(r"\1", markdown)


def rounded(value: Any) -> Any:
    """Six decimals: more than is read, and what makes a report the same on every run."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(v) for v in value]
    return value
