"""An explanation as a file to keep: one HTML page, markdown, JSON, or a graph for other tools.

Pure but for the graph, which is traced again. A page loads nothing: its words are escaped, its policy strict.
"""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from ui.base import marked, words

if TYPE_CHECKING:
    from agent import Bundle

SCRIPTS = ("layout.js", "details.js", "tryout.js", "picture.js", "snapshot.js", "links.js", "graph.js")
LOOKS = """
:root { --body-text-color: #27272a; --background-fill-primary: #fff; --background-fill-secondary: #f7f7f8;
  --border-color-primary: #d8d8dc; color-scheme: light dark; }
.dark { --body-text-color: #ececf0; --background-fill-primary: #16181d;
  --background-fill-secondary: #20232a; --border-color-primary: #3b3f49; }
body { margin: 0; padding: 18px; font: 15px/1.55 system-ui, sans-serif; color: var(--body-text-color);
  background: var(--background-fill-primary); }
main { display: grid; gap: 22px; max-width: 1700px;
  grid-template-columns: minmax(300px, 1fr) minmax(0, 2fr); }
h1 { font-size: 20px; } h2 { font-size: 16px; }
.frame { height: min(820px, calc(100vh - 100px)); min-height: 560px; position: sticky; top: 12px; }
.you { border-left: 3px solid #1d6fd1; padding-left: 10px; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow-x: auto; }
td:nth-child(2) { min-width: 230px; }
td, th { border-bottom: 1px solid var(--border-color-primary); padding: 4px 10px 4px 0;
  vertical-align: top; text-align: left; } td.n { text-align: right; }
td.n, td:last-child { white-space: nowrap; }
@media (max-width: 900px) {
  main { grid-template-columns: minmax(0, 1fr); }
  .frame { position: static; height: auto; }
}
"""
START = """
if (matchMedia('(prefers-color-scheme: dark)').matches) document.documentElement.classList.add('dark');
const value = { ...JSON.parse(document.getElementById('drawing').textContent), only_seen: true };
const props = { value, tried: null };
draw_circuit(document.getElementById('circuit'), props, () => {}, () => {});
"""


def asset(*names: str) -> str:
    """Files of this room as one text."""
    return "\n".join(files("ui").joinpath("web", name).read_text(encoding="utf-8") for name in names)


def as_markdown(bundle: "Bundle") -> str:
    """The conversation and the evidence as text."""
    said = [
        f"> {words(each['content'])}" if each["role"] == "user" else each["content"]
        for each in bundle.history
    ]
    rows = [
        "| claim | what | predicted | measured | p | verdict |",
        "|---|---|---|---|---|---|",
        *(f"| {' | '.join(words(cell) for cell in row)} |" for row in evidence(bundle)),
    ]
    return (
        "\n\n".join([f"# {words(bundle.title)}", *said, "## Evidence", "\n".join(rows), made_with(bundle)])
        + "\n"
    )


def evidence(bundle: "Bundle") -> list[tuple[str, ...]]:
    """The ledger, a row a claim: id, words, predicted, measured, p, verdict."""
    rows = []
    for claim in bundle.kept.claims:
        numbers = (_number(getattr(claim, name, None)) for name in ("predicted", "measured", "p"))
        by = " (by hand)" if claim.by == "user" else ""
        rows.append((claim.id, f"{claim.text}{by}", *numbers, claim.verdict))
    return rows


def _number(value: Any) -> str:
    return "–" if not isinstance(value, (int, float)) else f"{value:.3g}".replace("-", "−")


def made_with(bundle: "Bundle") -> str:
    """What it was made with, as one line."""
    settings = ", ".join(f"{name} {value}" for name, value in bundle.settings.items())
    known = {name: value for name, value in bundle.versions.items() if value != "not installed"}
    versions = ", ".join(f"{name} {value}" for name, value in known.items())
    return words(f"Made with askcircuit: {settings}; {versions}; bundle {bundle.id}.")


def as_html(bundle: "Bundle") -> str:
    """One page that needs nothing else: the conversation, the drawing, the evidence."""
    script = f"function draw_circuit(element, props, trigger, watch) {{\n{asset(*SCRIPTS)}\n}}\n{START}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = html.escape(bundle.title)
    drawing = json.dumps(bundle.drawing.plain(), ensure_ascii=False).replace("<", "\\u003c")
    rows = "".join(_row(row) for row in evidence(bundle))
    md = MarkdownIt("commonmark", {"html": False})
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{LOOKS}{asset("said.css")}#circuit {{ {asset("graph.css")} }}</style></head>
<body><h1>{title}</h1><main><section id="chat">
{"".join(_message(md, each) for each in bundle.history)}</section>
<div class="frame"><div id="circuit"><div class="ac ac-none"></div></div></div></main>
<h2>Evidence</h2><div class="wide"><table><tr><th>claim</th><th>what</th><th>predicted</th><th>measured</th>
<th>p</th><th>verdict</th></tr>{rows}</table></div>{md.render(made_with(bundle))}
<script type="application/json" id="drawing">{drawing}</script><script>{script}</script></body></html>
"""


def _row(cells: tuple[str, ...]) -> str:
    kinds = ("", "", ' class="n"', ' class="n"', ' class="n"', "")
    pairs = zip(kinds, cells, strict=True)
    return f"<tr>{''.join(f'<td{kind}>{html.escape(cell)}</td>' for kind, cell in pairs)}</tr>"


def _message(md: MarkdownIt, message: Mapping[str, Any]) -> str:
    if message["role"] == "user":
        return f'<p class="you">{html.escape(message["content"])}</p>'
    cites = [{**cite, "text": md.renderInline(cite["text"])} for cite in message.get("cites", ())]
    return f"<div>{marked(md.render(message['content']), cites, message.get('circuit', ''))}</div>"
