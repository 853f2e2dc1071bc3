"""The widgets of the page and where they stand. What happens when they are used is in page."""

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from agent import AgentError
from ui.base import chat_messages
from ui.page import suggestions
from ui.page.writing_options import lay_out_options

READ_ONLY = "This copy is read-only: it shows what was answered, and takes no questions. Open an example."
LOG_OUT = "logout?all_session=false"
UNPIN = """() => document.querySelector('#circuit .ac').parentElement
    .dispatchEvent(new CustomEvent('ac-clear'))"""
TO_QUESTION = """() => { setTimeout(() => {
    const asked = [...document.querySelectorAll('#chat .message-row.user-row')].pop();
    const list = asked?.closest('.bubble-wrap');
    if (list) list.scrollTop += asked.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
}, 400); }"""


class Widgets:
    """One page's widgets; states hold what belongs to a visitor."""

    def __init__(
        self, drawing: Callable[[], Any], bookshelf: Callable[[], Any], *, read_only: bool = False
    ) -> None:
        """Lay them out; to be called inside gr.Blocks. The first two make those that draw themselves."""
        self.read_only = read_only
        self.kept = gr.BrowserState(None, storage_key="askcircuit-thread", secret="askcircuit")
        self.key = gr.BrowserState(None, storage_key="askcircuit-browser", secret="askcircuit")
        self.thread, self.focus = gr.State(None), gr.State(None)
        with gr.Row(elem_id="top"):
            self.title = gr.Markdown(chat_messages.render_title("", ""), elem_id="title")
            self.shelf = bookshelf()
            self.new = gr.Button("New conversation", size="sm", visible=not read_only, elem_id="new")
            self.leave = gr.Button("Log out", size="sm", visible=False, link=LOG_OUT, elem_id="leave")
        with gr.Row(elem_id="both"):
            with gr.Column(scale=1, min_width=320, elem_id="left"):
                self.lay_out_chat()
            with gr.Column(scale=2, min_width=320, elem_id="right"):
                self.circuit = drawing()

    def lay_out_chat(self) -> None:
        """The chat, the quick follow-ups and the boxes to ask in."""
        self.chat = gr.Chatbot(
            show_label=False,
            height="auto",
            elem_id="chat",
            buttons=["copy"],
            latex_delimiters=[],
            allow_tags=False,
            placeholder="### Ask why the model said something\nor start from one of these:",
            examples=[{"text": text, "display_text": name} for name, text in suggestions.EXAMPLES.items()],
        )
        self.chip = gr.Button("", size="sm", visible=False, elem_id="chip")
        with gr.Row(elem_id="follow"):
            self.ideas = [gr.Button("", size="sm", visible=False) for _ in range(suggestions.COUNT)]
        gr.Markdown(READ_ONLY, visible=self.read_only, elem_id="readonly")
        with gr.Row(elem_id="asking", visible=not self.read_only):
            self.box = gr.Textbox(
                placeholder=suggestions.NOTHING_YET,
                show_label=False,
                container=False,
                max_lines=4,
                elem_id="ask",
            )
            self.write = gr.Button("Let it write", elem_id="write")
            self.go = gr.Button("Ask", variant="primary", elem_id="go")
            self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop")
        how = "How it writes"
        with gr.Accordion(how, open=False, visible=not self.read_only, elem_id="how"):
            self.how = lay_out_options()
        apart = "Give the text and the tokens exactly"
        with gr.Accordion(apart, open=False, visible=not self.read_only, elem_id="apart"):
            self.text = gr.Textbox(label="Text", elem_id="text")
            with gr.Row():
                self.said = gr.Textbox(label="Said", max_length=100, min_width=100, elem_id="said")
                self.foil = gr.Textbox(label="Rather than", max_length=100, min_width=100, elem_id="foil")


def show_file(work: Callable[[], dict[str, Any]]) -> Any:
    """What the shelf is given to save or to show, or why there is nothing; the time makes each new."""
    try:
        return gr.update(made={**work(), "at": time.time()})
    except AgentError as exc:
        return gr.update(made={"why": str(exc), "at": time.time()})
