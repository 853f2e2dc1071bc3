"""The page as a web app: its files, its headers, and how it is served. What it does is in page."""

from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from agent import Desk
from ui.headers import SecurityHeaders
from ui.opening import Opening, opened
from ui.page import Page

SCRIPTS = ("layout.js", "details.js", "tryout.js", "picture.js", "links.js", "graph.js")


def asset(*names: str) -> str:
    """Files of this room as one text."""
    return "\n".join(files("ui").joinpath(name).read_text(encoding="utf-8") for name in names)


def drawing() -> Any:
    """The circuit: a constant template, drawn by our own script from the value alone."""
    return gr.HTML(
        value=None,
        tried=None,
        html_template='<div class="ac ac-none"></div>',
        css_template=asset("graph.css"),
        js_on_load=asset(*SCRIPTS),
        apply_default_css=False,
        elem_id="circuit",
    )


def build_app(opening: Opening) -> gr.Blocks:
    """The page of one desk, open or on its way, not yet served."""
    blocks: gr.Blocks = gr.Blocks(title="askcircuit", fill_width=True, analytics_enabled=False)
    with blocks:
        Page(opening, drawing).wire(blocks)
    blocks.queue(max_size=32)
    return blocks


def serve(desk: Desk | Opening, host: str, port: int) -> tuple[gr.Blocks, str]:
    """Serve the page from a thread; the page, to be closed by the caller, and its address.

    A desk on its way may be given: the page is there at once and says how far the model is.
    """
    blocks = build_app(desk if isinstance(desk, Opening) else opened(desk))
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace"]),
        css=asset("page.css"),
        share=False,
        ssr_mode=False,
        pwa=False,
        show_error=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size="1mb",
        prevent_thread_lock=True,
        quiet=True,
        app_kwargs={"middleware": [Middleware(SecurityHeaders)]},
    )
    return blocks, address
