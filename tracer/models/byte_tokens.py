"""Tokens that are bytes rather than characters, written so that they can be told apart."""

import re
from functools import cache

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
    content = bytes(letters[letter] for letter in name)
    return "".join(
        f"<0x{ord(c) - 0xDC00:02X}>" if 0xDC80 <= ord(c) <= 0xDCFF else c
        for c in content.decode("utf-8", "surrogateescape")
    )
