"""How tokens and numbers are written, everywhere the same. Pure text."""

import math
import re
from collections.abc import Sequence
from typing import Any

from tracer import join_tokens, name_parts, place_tokens, whole_character

SIGNS = {"plus": "+", "minus": "-", "times": "*", "equals": "=", "equal": "=", "comma": ",", "period": "."}
SIGNS |= {
    "full stop": ".",
    "colon": ":",
    "semicolon": ";",
    "question": "?",
    "exclamation": "!",
    "hyphen": "-",
}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
SPACED = 0x0E00  # from here on (Thai, Chinese, Japanese, …) words are mostly not parted by spaces

_SHOWN = {"\n": "⏎", "\t": "⇥", "\r": "␍"}
_JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
_BREAKS = {"\\r\\n": "\n", "\\n": "\n", "\\t": "\t"}  # what is typed where nothing else can be
_BREAK_SIGNS = re.compile(r"(?<!\\)(?:\\r\\n|\\n|\\t)")
_STRAIGHT = str.maketrans("“”", '""')
_ORNATE = str.maketrans("“”", "❝❞")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#!|~&$^]|:(?=//)|(?<=www)\.)", re.IGNORECASE)

_MARK = re.compile(r"<[a-z_|0-9]+>")
_RUN = re.compile(r" {2,}")

_FOLD = re.compile(r"<details><summary>([^<]*)</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]<>#!|~&$^:.])")


def show_token(token: str) -> str:
    """A token on one line, its control characters visible."""
    return "".join(_SHOWN.get(c, c if c.isprintable() or c in _JOINERS else "�") for c in token)


def quote_token(token: str) -> str:
    """A token in quotes, leading space kept; quotes of its own become straight: ours end where we do.

    A token of signs alone keeps them apart: spaces are made visible, curly quotes are no straight ones.
    """
    words = any(map(str.isalnum, token))
    inner = (
        show_token(token).translate(_STRAIGHT if words else _ORNATE) if token.strip(" ") else "␣" * len(token)
    )
    return f"“{inner}”"


def find_break_signs(text: str) -> str:
    """A backslash and an n (or t) where a line break (or tab) may be meant; empty where there is none."""
    found = _BREAK_SIGNS.search(text)
    return found[0] if found else ""


def with_line_breaks(text: str) -> str:
    """The text with line breaks and tabs where a backslash and a letter stood for them."""
    return _BREAK_SIGNS.sub(lambda signs: _BREAKS[signs[0]], text)


def joined(tokens: Sequence[str]) -> str:
    """Tokens as the text they are: bytes that make up characters as those characters."""
    return join_tokens(tokens)


def named_tokens(tokens: Sequence[str]) -> list[str]:
    """Each token as a reader knows it: “🤷, part 1 of 4” for one that is part of a character."""
    return name_parts(tokens)


def token_at(tokens: Sequence[str], position: int) -> str:
    """The token at a position as a reader knows it."""
    return name_parts(tokens)[position]


def character_at(tokens: Sequence[str], position: int) -> str:
    """The token at a position; for one that is part of a character the whole of it."""
    first, last = whole_character(tokens, position)
    return joined(tokens[first : last + 1])


def quote_token_at(tokens: Sequence[str], position: int) -> str:
    """The token at a position, with the word it is a piece of, and which one where there are several."""
    named = name_parts(tokens)
    part = named[position] != tokens[position]
    first, last = (position, position) if part else whole_word(tokens, position)
    same = [p for p, token in enumerate(named) if token == named[position]]
    which = ""
    if len(same) > 1:
        number = same.index(position)
        which = f" ({ORDINALS[number] if number < len(ORDINALS) else 'a later one'})"
    whole = "" if first == last else f" of {quote_token(joined(tokens[first : last + 1]))}"
    return f"{quote_token(named[position])}{whole}{which}"


def quote_word(token: str) -> str:
    """A token as a word in quotes, without the space it begins with."""
    return quote_token(token.strip() or token)


def is_mark(token: str) -> bool:
    """Whether a token is no text to the model but a mark: <start_of_image>, <|endoftext|>, <unused7>."""
    return bool(_MARK.fullmatch(token))


def quote_whole_word(tokens: Sequence[str], position: int) -> str:
    """The whole word around a position in quotes."""
    first, last = whole_word(tokens, position)
    return quote_token(joined(tokens[first : last + 1]).strip() or tokens[position])


def quote_word_at(tokens: Sequence[str], position: int) -> str:
    """The whole word around a position in quotes, and which one where the text has it several times."""
    spans = list(dict.fromkeys(whole_word(tokens, place) for place in range(len(tokens))))
    words = [joined(tokens[first : last + 1]).strip() for first, last in spans]
    at = next(index for index, (first, last) in enumerate(spans) if first <= position <= last)
    same = [index for index, word in enumerate(words) if word == words[at]]
    number = same.index(at)
    which = f" ({ORDINALS[number] if number < len(ORDINALS) else 'a later one'})" if len(same) > 1 else ""
    return f"{quote_token(words[at] or tokens[position])}{which}"


_NEGATED = "don didn doesn isn wasn aren weren can couldn wouldn won shouldn hasn haven hadn mustn ain"
NOT = {f"{word}'t" for word in _NEGATED.split()}  # words of which a tokeniser makes two or three


def whole_word(tokens: Sequence[str], position: int) -> tuple[int, int]:
    """The first and last position of the word a token is a piece of, in scripts that part words by spaces."""
    first, last = whole_character(tokens, position)
    if first < last:
        return first, last
    while first > 0 and _in_word(tokens[first][:1]) and _in_word(tokens[first - 1][-1:]):
        first -= 1
    while last + 1 < len(tokens) and _in_word(tokens[last][-1:]) and _in_word(tokens[last + 1][:1]):
        last += 1
    return _with_not(tokens, first, last)


def _with_not(tokens: Sequence[str], first: int, last: int) -> tuple[int, int]:
    """The word with the "n't" it is a part of: "Don" of "Don't"."""
    for start in (first, first - 1, first - 2):
        for end in (start + 1, start + 2):
            around = "".join(tokens[max(0, start) : end + 1]).strip().replace("’", "'").lower()
            if start >= 0 and start <= first and last <= end < len(tokens) and around in NOT:
                return start, end
    return first, last


def _in_word(letter: str) -> bool:
    return letter.isalpha() and ord(letter) < SPACED


def find_word_positions(tokens: Sequence[str], name: str) -> list[int]:
    """The positions of the tokens that a word, a part of a text or a token's own spelling covers."""
    wanted = SIGNS.get(
        re.sub(r"^the | (?:sign|mark)s?$", "", name.strip().casefold()), name.strip().casefold()
    )
    alone = [p for p, token in enumerate(tokens) if token.strip().casefold() == wanted]
    if alone or not wanted:
        return alone if wanted else []
    whole, places = place_tokens(tokens)
    bare = name.strip()
    before = r"(?<!\w)" if ord(bare[0]) < SPACED else ""  # where words are parted by spaces, a whole one
    after = r"(?!\w)" if ord(bare[-1]) < SPACED else ""
    found = re.finditer(before + re.escape(bare) + after, whole, re.IGNORECASE)
    spans = [match.span() for match in found]
    return [p for p, (start, end) in enumerate(places) if any(start < b and end > a for a, b in spans)]


def find_places(tokens: Sequence[str], name: str) -> list[int]:
    """The positions of a word; of one of several that are alike with its place behind it: the (T7)."""
    placed = re.fullmatch(r".* \(T(\d{1,6})\)", name.strip(), re.DOTALL | re.IGNORECASE)
    if placed is None:
        return find_word_positions(tokens, name)
    return [int(placed[1])] if int(placed[1]) < len(tokens) else []


def show_layers(first: int, last: int) -> str:
    """A range of layers."""
    return f"layer {first}" if first == last else f"layers {first} to {last}"


def show_change(value: float) -> str:
    """A change of a logit difference."""
    return f"{value:+.2f}".replace("-", "−")


def show_size(value: float) -> str:
    """A size."""
    return f"{value:.2f}".replace("-", "−")


def show_rise(share: float) -> str:
    """A change by a share, its sign shown."""
    return f"{'+' if share > 0 else ''}{percent(share)}"


def percent(share: float) -> str:
    """A share of 1; small ones keep a digit, very small ones their first one (to a millionth)."""
    digits = 1 if abs(share) < 0.0995 else 0
    if 1e-6 <= abs(share) < 0.0005:
        digits = 1 - math.floor(math.log10(abs(share) * 100) + 1e-9) - 1
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def format_p(p: float) -> str:
    """A p-value."""
    return f"{p:.2f}" if p >= 0.01 else f"{p:.4f}"


def join_words(items: list[str]) -> str:
    """a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def escape_md(text: str) -> str:
    """Text as markdown that renders as just that text: no markup, link or image can come of it."""
    whole = text.replace("“ ", "“\u00a0")  # a line must not break between a quote and its token
    whole = _RUN.sub(lambda blanks: "\u00a0" * len(blanks[0]), whole)  # or a page would show one blank
    return _MARKDOWN.sub(r"\\\1", whole)


def folded(summary: str, markdown: str) -> str:
    """Markdown that a page folds away under a line (`unfolded`, `without_folds`: where nothing folds)."""
    return f"<details><summary>{summary}</summary>\n\n{markdown}\n\n</details>"


def unfolded(markdown: str) -> str:
    """The same with what was folded away in its place, its line as a heading."""
    return _FOLD.sub(lambda fold: f"**{fold[1]}.**\n\n{fold[2]}", markdown)


def without_folds(markdown: str) -> str:
    """The same without what was folded away."""
    return _FOLD.sub("", markdown).strip()


def unescape_md(markdown: str) -> str:
    """The text that `escape_md` made markdown of."""
    return _ESCAPED.sub(r"\1", markdown)


def round_reported(value: Any) -> Any:
    """Six decimals: more than is read, and what makes a report the same on every run."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: round_reported(v) for name, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [round_reported(v) for v in value]
    return value
