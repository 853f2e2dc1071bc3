"""Prompts are files with places, filled strictly."""

from importlib.resources import files
from string import Template

import pytest

from agent.core.prompts import render_prompt

NAMES = sorted(
    path.name.removesuffix(".md") for path in files("prompts").iterdir() if path.name.endswith(".md")
)


def places(name):
    text = Template((files("prompts") / f"{name}.md").read_text(encoding="utf-8"))
    assert text.is_valid()
    return text.get_identifiers()


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_filled_exactly(name):
    values = {place: f"<{place}: $5 and {{braces}}>" for place in places(name)}
    text = render_prompt(name, **values)
    assert text == text.strip()
    assert all(value in text for value in values.values())


@pytest.mark.parametrize("name", NAMES)
def test_an_unused_value_and_a_missing_one_are_errors(name):
    values = dict.fromkeys(places(name), "x")
    with pytest.raises(ValueError, match=f"prompt '{name}' wants"):
        render_prompt(name, **values, not_a_place="x")
    for place in values:
        with pytest.raises(ValueError, match=place):
            render_prompt(name, **{other: value for other, value in values.items() if other != place})
