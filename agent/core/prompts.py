"""Fills the files of prompts/ strictly: a place without a value, or a value without a place, is an error."""

import json
from importlib.resources import files
from string import Template
from typing import Any


def render_prompt(name: str, **values: str) -> str:
    """The text of prompts/<name>.md with its $places filled; raises ValueError when they do not match."""
    text = Template((files("prompts") / f"{name}.md").read_text(encoding="utf-8"))
    if (wants := set(text.get_identifiers())) != values.keys():
        raise ValueError(f"prompt {name!r} wants {sorted(wants)}, got {sorted(values)}")
    return text.substitute(values).strip()


def frame_data(value: Any) -> str:
    """Data on one line between two marks that nothing in it can forge."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return render_prompt(
        "brain-data", data="".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
    )
