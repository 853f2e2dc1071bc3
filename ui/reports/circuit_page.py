"""A circuit, alone or with the words about it, as a page of its own and as a frame in a notebook."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from typing import Any

from markdown_it import MarkdownIt

from ui.base import marked
from ui.reports.explanation_file import LOOKS, SCRIPTS, START, asset

ALONE = "body { padding: 0; } .frame { height: 100vh; min-height: 0; position: static; }"


def circuit_page(drawing: Mapping[str, Any], said: Mapping[str, Any] | None = None) -> str:
    """One page that loads nothing: the circuit, with what was `said` about it (a message) on its left."""
    script = f"function draw_circuit(element, props, trigger, watch) {{\n{asset(*SCRIPTS)}\n}}\n{START}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(drawing, ensure_ascii=False).replace("<", "\\u003c")
    frame = '<div class="frame"><div id="circuit"><div class="ac ac-none"></div></div></div>'
    body = frame if said is None else f'<main><section id="chat">{_words(said)}</section>{frame}</main>'
    looks = f"{LOOKS}{asset('said.css')}{ALONE if said is None else ''}#circuit {{ {asset('graph.css')} }}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(str(drawing.get("text", "")))}</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{looks}</style></head>
<body>{body}
<script type="application/json" id="drawing">{data}</script><script>{script}</script></body></html>
"""


def words_as_html(said: Mapping[str, Any]) -> str:
    """What was said (a message), as HTML without any script; its words are escaped."""
    return str(MarkdownIt("commonmark", {"html": False}).render(said["content"]))


def _words(said: Mapping[str, Any]) -> str:
    md = MarkdownIt("commonmark", {"html": False})
    cites = [{**cite, "text": md.renderInline(cite["text"])} for cite in said.get("cites", ())]
    return marked(md.render(said["content"]), cites, said.get("circuit", ""))


def framed(page: str, height: int) -> str:
    """The page in a frame that may run its script and save files, and no more; `height` in pixels."""
    quoted = page.replace("&", "&amp;").replace("'", "&#39;")
    return (
        f"<iframe sandbox='allow-scripts allow-downloads' width='100%' height='{height}' "
        f"style='border:0' srcdoc='{quoted}'></iframe>"
    )
