"""Characters that cannot be seen, or would turn a line round, as signs."""

import re

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def show_hidden(text: str) -> str:
    """Text with a sign for each character that cannot be seen or would turn the line round."""
    return HIDDEN.sub(lambda found: f"‹{ord(found.group()):x}›", text)
