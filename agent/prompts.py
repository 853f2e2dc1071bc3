"""Fills the files of prompts/ strictly: a place without a value, or a value without a place, is an error."""

from importlib.resources import files
from string import Template


def render(name: str, **values: str) -> str:
    """The text of prompts/<name>.md with its $places filled; raises ValueError when they do not match."""
    text = Template((files("prompts") / f"{name}.md").read_text(encoding="utf-8"))
    if (wants := set(text.get_identifiers())) != values.keys():
        raise ValueError(f"prompt {name!r} wants {sorted(wants)}, got {sorted(values)}")
    return text.substitute(values).strip()
