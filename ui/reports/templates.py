"""Fills the templates of reports: each value is escaped, and what cannot be seen gets a sign."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ui.base import show_hidden


def fill(name: str, **values: Any) -> str:
    """A template of `ui/reports/templates`, filled; only what the template calls `safe` is taken as it is."""
    return _environment().get_template(name).render(values)


def style(name: str) -> str:
    """A style sheet that lies beside the templates."""
    return (files("ui") / "reports" / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ui.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return made


def _seen(value: Any) -> Any:
    return show_hidden(value) if type(value) is str else value  # markup is no plain str, and is complete
