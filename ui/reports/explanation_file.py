"""An explanation as a file to keep: one HTML page, markdown, JSON, or a graph for other tools.

Pure but for the graph, which is traced again. A page loads nothing: its words are escaped, its policy strict.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ui.base import escape_text, mark_sentences
from ui.reports.folds import rendered, rendered_inline
from ui.reports.page_scripts import read_assets, script
from ui.reports.templates import fill, style

if TYPE_CHECKING:
    from agent import Bundle


def render_bundle_markdown(bundle: "Bundle") -> str:
    """The conversation and the evidence as text."""
    said = [
        f"> {escape_text(each['content'])}" if each["role"] == "user" else each["content"]
        for each in bundle.history
    ]
    rows = [
        "| claim | what | predicted | measured | p | verdict |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(escape_text(cell) for cell in row)} |" for row in write_evidence_table(bundle)),
    ]
    return (
        "\n\n".join(
            [f"# {escape_text(bundle.title)}", *said, "## Evidence", "\n".join(rows), write_versions(bundle)]
        )
        + "\n"
    )


def write_evidence_table(bundle: "Bundle") -> list[tuple[str, ...]]:
    """The ledger, a row a claim: id, words, predicted, measured, p, verdict."""
    rows = []
    for claim in bundle.kept.claims:
        numbers = (_number(getattr(claim, name, None)) for name in ("predicted", "measured", "p"))
        by = " (by hand)" if claim.by == "user" else ""
        rows.append((claim.id, f"{claim.text}{by}", *numbers, claim.verdict))
    return rows


def _number(value: Any) -> str:
    return "–" if not isinstance(value, (int, float)) else f"{value:.3g}".replace("-", "−")


def write_versions(bundle: "Bundle") -> str:
    """What it was made with, as one line."""
    settings = ", ".join(f"{name} {value}" for name, value in bundle.settings.items())
    known = {name: value for name, value in bundle.versions.items() if value != "not installed"}
    versions = ", ".join(f"{name} {value}" for name, value in known.items())
    return escape_text(f"Made with askcircuit: {settings}; {versions}; bundle {bundle.id}.")


def saved_page_script() -> str:
    """The script that draws the circuit a saved page holds."""
    return f"({script('saved_page.js', 'openSavedPage')})();"


def page_policy(code: str) -> str:
    """The content security policy of a saved page: it runs this script and loads nothing."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def render_bundle_html(bundle: "Bundle") -> str:
    """One page that needs nothing else: the conversation, the drawing, the evidence."""
    code = saved_page_script()
    return fill(
        "explanation.html",
        title=bundle.title,
        policy=page_policy(code),
        looks=f"{style('explanation.css')}{read_assets('said.css')}#circuit {{ {read_assets('graph.css')} }}",
        said=[_message(each) for each in bundle.history],
        evidence=write_evidence_table(bundle),
        made_with=rendered(write_versions(bundle)),
        drawing=bundle.drawing.plain(),
        script=code,
    )


def _message(message: Mapping[str, Any]) -> dict[str, str]:
    """What was asked, as text; or an answer as HTML, in which tags of the markdown are shown as text."""
    if message["role"] == "user":
        return {"asked": message["content"]}
    cites = [{**cite, "text": rendered_inline(cite["text"])} for cite in message.get("cites", ())]
    return {"answer": mark_sentences(rendered(message["content"]), cites, message.get("circuit", ""))}
