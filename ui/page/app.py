"""The page as a web app: its files, its headers, and how it is served. What it does is in page."""

from typing import Any

import gradio as gr
from fastapi import FastAPI

from agent import ConversationIndex, Settings, Workspace, read_settings
from ui.base import ModelLoader, wrap_workspace
from ui.page.handlers import Page
from ui.page.widgets import Widgets
from ui.reports import read_assets, script
from ui.server import PageServer, make_login_check

OPEN_PAGES = 300  # of which Gradio keeps what they show
DAY = 86_400
SPARE_THREADS = 40  # for all that is no question


class UncachedBlocks(gr.Blocks):
    """Blocks that do not keep what they show.

    For links to a page as it stands, which we do not use, Gradio 6.31 describes each widget anew with each
    piece of an answer and keeps what each session shows: a circuit is 2 MB as objects. And what is updated
    and then given a value stays a second time, under a new id, with each question.
    """

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What the browser is sent; the session forgets it."""
        if state is None:
            return await super().postprocess_data(block_fn, predictions, state)
        state.config_values.clear()
        state.blocks_config.config_for_block = no_description
        sent = await super().postprocess_data(block_fn, predictions, state)
        shown = state.blocks_config.blocks
        for copy in shown.keys() - self.default_config.blocks.keys():
            del shown[copy]
        return sent


def no_description(*_widget: Any) -> dict[str, Any]:
    """How a widget of a session is described for links."""
    return {}


def drawn_by(module: str, function: str) -> str:
    """The script of a widget that draws itself; Gradio runs it with these four names."""
    return f"({script(module, function)})(element, props, trigger, watch);"


def draw_circuit() -> Any:
    """The circuit: a constant template, drawn by our own script from the value alone."""
    return gr.HTML(
        value=None,
        tried=None,
        html_template='<div class="ac ac-none"></div>',
        css_template=read_assets("graph.css"),
        js_on_load=drawn_by("circuit.js", "drawCircuit"),
        apply_default_css=False,
        elem_id="circuit",
    )


def draw_shelf() -> Any:
    """The examples, the visitor's conversations, saving and sharing."""
    return gr.HTML(
        value=None,
        made=None,
        html_template='<div class="sh"></div>',
        css_template=read_assets("shelf.css"),
        js_on_load=drawn_by("shelf.js", "drawShelf"),
        apply_default_css=False,
        elem_id="shelf",
    )


def build_app(opening: ModelLoader, settings: Settings, roster: ConversationIndex) -> gr.Blocks:
    """The page of one workspace, open or on its way, not yet served; what is shared by links is kept."""
    blocks = UncachedBlocks(
        title="askcircuit",
        fill_width=True,
        analytics_enabled=False,
        delete_cache=(DAY // 24, DAY),  # files that uploads and exports leave behind
    )
    with blocks:
        widgets = Widgets(draw_circuit, draw_shelf, read_only=settings.read_only)
        Page(opening, widgets, settings.data_folder / "shared", roster).wire(blocks)
    blocks.max_threads = settings.max_waiting + SPARE_THREADS  # each question that waits holds one
    blocks.queue(max_size=None, api_open=False)  # the gate knows how many may wait
    blocks.state_session_capacity = OPEN_PAGES
    return blocks


def theme() -> Any:
    """The looks of Gradio's own widgets: the system's fonts, buttons and boxes whose words can be read."""
    base = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace"])
    return base.set(
        button_primary_background_fill="#1d5fc4",
        button_primary_background_fill_hover="#174c9e",
        button_primary_text_color="#ffffff",
        input_background_fill="white",
        input_border_width="1px",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )


class Queue:
    """What the gate has to know of the page's queue."""

    def __init__(self, blocks: gr.Blocks) -> None:
        """Look at the queue of these blocks."""
        self._blocks = blocks

    def is_question(self, fn_index: int) -> bool:
        """Whether this call is a question: it takes the subject's turn."""
        called = self._blocks.fns.get(fn_index)
        return called is not None and called.concurrency_id == "subject"

    def open(self) -> list[Any]:
        """The requests of the questions that wait or run."""
        running = [event for job in self._blocks._queue.active_jobs for event in job or ()]
        asked = [event for event in running if event.concurrency_id == "subject"] + self._line()
        return [event.request.scope for event in asked]

    def waiting(self) -> int:
        """How many questions wait for their turn: one is answered, the others stand in line."""
        return max(0, len(self.open()) - 1)

    def _line(self) -> list[Any]:
        line = self._blocks._queue.event_queue_per_concurrency_id.get("subject")
        return list(line.queue) if line else []


def mount_page(blocks: gr.Blocks, settings: Settings) -> FastAPI:
    """The page as an ASGI app."""
    app: FastAPI = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="",
        theme=theme(),
        css=read_assets("page.css", "said.css"),
        auth=make_login_check(settings),
        auth_message="askcircuit: ask a language model why it said that. Each login has its own "
        "talks. Ten tries a minute.",
        ssr_mode=False,
        pwa=False,
        show_error=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size="1mb",
    )
    return app


def serve(
    workspace: Workspace | ModelLoader, host: str, port: int, settings: Settings | None = None
) -> tuple[PageServer, str]:
    """Serve the page from a thread; the server, to be closed by the caller, and its address.

    A workspace on its way may be given: the page is there at once and says how far the model is.
    """
    opening = workspace if isinstance(workspace, ModelLoader) else wrap_workspace(workspace)
    known = settings or (read_settings() if isinstance(workspace, ModelLoader) else workspace.settings)
    chosen = known.model_copy(update={"host": host, "port": port})
    roster = ConversationIndex(chosen.data_folder)
    blocks = build_app(opening, chosen, roster)
    server = PageServer(chosen, opening, mount_page(blocks, chosen), Queue(blocks), roster.close)
    return server, server.start()
