"""What the page gives a visitor to keep: explanations, bundles and graphs as files."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.reports import render_bundle_html, render_bundle_markdown

if TYPE_CHECKING:
    from agent import Bundle
    from ui.page.open_conversations import OpenConversation

KINDS = {  # what can be saved: the end of its name, its type
    "html": ("html", "text/html"),
    "markdown": ("md", "text/markdown"),
    "bundle": ("json", "application/json"),
    "graph": ("json", "application/json"),
}


def export_file(kind: str, talk: "OpenConversation") -> dict[str, Any]:
    """What to save as {"name", "mime", "text"}; raises AgentError where there is nothing to save."""
    bundle = talk.bundle()
    end, mime = KINDS[kind]
    match kind:
        case "html":
            text = render_bundle_html(bundle)
        case "markdown":
            text = render_bundle_markdown(bundle)
        case "bundle":
            text = bundle.text()
        case _:
            text = graph_json(talk, bundle)
    slug = re.sub(r"[^a-z0-9]+", "-", bundle.title.lower()).strip("-")[:50] or "explanation"
    slug += "-graph" if kind == "graph" else ""
    return {
        "name": f"askcircuit-{slug}.{end}",
        "mime": mime,
        "text": text,
    }


def graph_json(talk: "OpenConversation", bundle: "Bundle") -> str:
    """The pruned graph as circuit-tracer and Neuronpedia read it, traced again on the model."""
    from agent import export_trace

    question = bundle.report.question
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        workspace = talk.opening.workspace()
        export_trace(workspace, bundle.report.text, path, said=question.answer, foil=question.foil)
        return path.read_text(encoding="utf-8")


def can_save(drawing: Any) -> bool:
    """Whether there is something to save: an explanation, not somebody's graph."""
    return bool(drawing) and not drawing.get("only_seen")
