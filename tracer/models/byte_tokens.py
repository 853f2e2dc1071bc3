"""Tokens that are bytes rather than characters: written so that they can be told apart, named in a text."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import takewhile

BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")  # how bytes are written that are no whole character
LONGEST = 12  # tokens looked at together: a character has up to four bytes, a token may be part of two

_ONE = re.compile(r"<0x([89A-F][0-9A-F])>")
_NAMED = re.compile(r"(?:<0x[0-9A-Fa-f]{2}>)+")


@cache
def _letters() -> dict[str, int]:
    """GPT-2's letters for bytes: printable ones stand for themselves, the others for what follows U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(0x100) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + at): b for at, b in enumerate(rest)}


def spell_bytes(name: str) -> str:
    """A vocabulary entry as text, each byte that is no whole character as <0xF0>; empty if it is no bytes."""
    if _NAMED.fullmatch(name):
        return name.upper().replace("X", "x")
    letters = _letters()
    if any(letter not in letters for letter in name):
        return ""
    return _spell(bytes(letters[letter] for letter in name))


def _spell(content: bytes) -> str:
    """Bytes as text, those that are no whole character as <0xF0>."""
    return "".join(
        f"<0x{ord(c) - 0xDC00:02X}>" if 0xDC80 <= ord(c) <= 0xDCFF else c
        for c in content.decode("utf-8", "surrogateescape")
    )


def vocabulary_names(text: str) -> list[str]:
    """What a vocabulary may call a token that `spell_bytes` wrote so: the other way round."""
    letters = {byte: letter for letter, byte in _letters().items()}
    content = _ONE.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), text).encode("utf-8", "surrogateescape")
    return [text, "".join(letters[byte] for byte in content)]


def join_tokens(tokens: Sequence[str]) -> str:
    """Tokens as the text they are: bytes that make up characters as those characters."""
    return BYTES.sub(
        lambda run: _spell(bytes.fromhex(run[0].replace("<0x", "").replace(">", ""))), "".join(tokens)
    )


def whole_character(tokens: Sequence[str], position: int) -> tuple[int, int]:
    """The first and last of the tokens whose bytes make up the character that this one is a part of.

    The token itself where it is no part of one, or where the rest of the character is not there.
    """
    if not BYTES.search(tokens[position]):
        return position, position
    for size in range(2, LONGEST + 1):
        for first in range(max(0, position - size + 1), position + 1):
            window = tokens[first : first + size]
            if len(window) == size and not BYTES.search(join_tokens(window)):
                return first, first + size - 1
    return position, position


def name_parts(tokens: Sequence[str]) -> list[str]:
    """Each token as a reader knows it: one that is part of a character as that, and which part it is."""
    out = []
    for position, token in enumerate(tokens):
        first, last = whole_character(tokens, position)
        out.append(
            token
            if first == last
            else _part(join_tokens(tokens[first : last + 1]), position - first, last + 1 - first)
        )
    return out


def _part(whole: str, at: int, count: int) -> str:
    blanks = "".join(takewhile(str.isspace, whole)) if at == 0 else ""
    return f"{blanks}{whole.strip()}, part {at + 1} of {count}"


def place_tokens(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """The text of the tokens, and where each begins and ends in it; parts of a character are all of it."""
    text, places, position = "", [], 0
    while position < len(tokens):
        last = max(position, whole_character(tokens, position)[1])
        piece = join_tokens(tokens[position : last + 1])
        places += [(len(text), len(text) + len(piece))] * (last + 1 - position)
        text, position = text + piece, last + 1
    return text, places
