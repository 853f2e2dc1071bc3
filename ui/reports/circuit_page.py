"""A circuit, alone or with the words about it, as a page of its own and as a frame in a notebook."""

from collections.abc import Mapping
from typing import Any

from ui.base import mark_sentences
from ui.reports.explanation_file import page_policy, saved_page_script
from ui.reports.folds import rendered, rendered_inline
from ui.reports.page_scripts import read_assets
from ui.reports.templates import fill, style

ALONE = """body { padding: 0; } .frame { position: static; }
@media (min-width: 560px) { .frame { height: 100vh; min-height: 0; } }
"""


def circuit_page(drawing: Mapping[str, Any], said: Mapping[str, Any] | None = None) -> str:
    """One page that loads nothing: the circuit, with what was `said` about it (a message) on its left."""
    code = saved_page_script()
    looks = f"{style('explanation.css')}{read_assets('said.css')}{ALONE if said is None else ''}"
    return fill(
        "circuit.html",
        title=str(drawing.get("text", "")),
        policy=page_policy(code),
        looks=f"{looks}#circuit {{ {read_assets('graph.css')} }}",
        said="" if said is None else _words(said),
        drawing=dict(drawing),
        script=code,
    )


def words_as_html(said: Mapping[str, Any]) -> str:
    """What was said (a message), as HTML without any script; its words are escaped."""
    return rendered(said["content"])


def _words(said: Mapping[str, Any]) -> str:
    cites = [{**cite, "text": rendered_inline(cite["text"])} for cite in said.get("cites", ())]
    return mark_sentences(rendered(said["content"]), cites, said.get("circuit", ""))


def framed(page: str, height: int) -> str:
    """The page in a frame that may run its script and save files, and no more; `height` in pixels."""
    quoted = page.replace("&", "&amp;").replace("'", "&#39;")
    return (
        f"<iframe sandbox='allow-scripts allow-downloads' width='100%' height='{height}' "
        f"style='border:0' srcdoc='{quoted}'></iframe>"
    )
