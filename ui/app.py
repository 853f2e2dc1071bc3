"""The chat page: layout and wiring. What is said comes from the agent, how it looks from render."""

import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from agent import Desk, Drew, Session
from ui import render
from ui.headers import SecurityHeaders
from ui.talks import Talk, Talks, focus_of, listen, thread_of

EXAMPLES = {
    "Texas → Austin": "Why does 'Texas, whose capital is' continue with Austin?",
    "Tokyo → yen": "Why does 'The currency of the country whose capital is Tokyo is the' "
    "continue with yen rather than dollar?",
    "Jordan → basketball": "Why does 'Fact: Michael Jordan plays the sport of' continue with basketball?",
    "keys → are": "Why does 'The keys to the cabinet' continue with are rather than is?",
    "small → large": 'Why does \'The opposite of "small" is "\' continue with large?',
    "36+59= → a mistake": "Why does '36+59=' continue with 1?",
}
FOLLOW_UPS = {  # button: what it asks, and whether it needs something pinned
    "Remove this group": ("Remove this group.", True),
    "Double this group": ("Double this group.", True),
    "What does this do?": ("What does this do?", True),
    "Explain the strongest path": ("Explain the strongest path.", False),
}
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
UNPIN = """() => document.querySelector('#circuit .ac').parentElement
    .dispatchEvent(new CustomEvent('ac-clear'))"""
TO_QUESTION = """() => { setTimeout(() => {
    const asked = [...document.querySelectorAll('#chat .message-row.user-row')].pop();
    const list = asked?.closest('.bubble-wrap');
    if (list) list.scrollTop += asked.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
}, 400); }"""
Scene = dict[Any, Any]  # widget: its new value


class Page:
    """The widgets of the page and what happens when they are used."""

    def __init__(self, desk: Desk) -> None:
        """Lay out the widgets; to be called inside gr.Blocks."""
        self.talks = Talks(lambda thread: Session(desk, thread))
        self.kept = gr.BrowserState(None, storage_key="askcircuit-thread", secret="askcircuit")
        self.thread, self.focus = gr.State(None), gr.State(None)
        about = desk.about()
        with gr.Row(elem_id="top"):
            gr.Markdown(
                "**askcircuit** <small>ask a language model why it said that · "
                f"{render.words(about['model'])}, brain: {render.words(about['brain'])}</small>",
                elem_id="title",
            )
            self.new = gr.Button("New conversation", size="sm", elem_id="new")
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
            examples=[{"text": text, "display_text": name} for name, text in EXAMPLES.items()],
        )
        self.chip = gr.Button("", size="sm", visible=False, elem_id="chip")
        with gr.Row(elem_id="follow"):
            self.follow = {
                gr.Button(name, size="sm", interactive=False): ask for name, ask in FOLLOW_UPS.items()
            }
        with gr.Row(elem_id="asking"):
            self.box = gr.Textbox(
                placeholder="Why does 'The opposite of up is' say down?",
                show_label=False,
                container=False,
                max_lines=4,
                max_length=4000,
                elem_id="ask",
            )
            self.go = gr.Button("Ask", variant="primary", elem_id="go")
            self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop")
        with gr.Accordion("Text and tokens in boxes of their own", open=False, elem_id="apart"):
            self.text = gr.Textbox(label="Text", max_length=4000, elem_id="text")
            with gr.Row():
                self.said = gr.Textbox(label="Said", max_length=100, min_width=100, elem_id="said")
                self.foil = gr.Textbox(label="Rather than", max_length=100, min_width=100, elem_id="foil")

    def on_load(self, kept: Any) -> Scene:
        """Take the conversation up where this browser left it."""
        thread = thread_of(kept)
        session = self.talks.get(thread).session
        history = render.past(session.history())
        return {
            self.kept: thread,
            self.thread: thread,
            self.chat: history,
            self.circuit: session.last_drawing(),
            **self.pinned(None, asked=bool(history)),
        }

    def on_new(self) -> Scene:
        """Begin another conversation; the old one stays on disk."""
        return {**self.on_load(None), self.box: ""}

    def on_ask(
        self, message: str, text: str, said: str, foil: str, focus: Any, thread: Any, shown: Any
    ) -> Iterator[Scene]:
        """Answer a question, piece by piece."""
        message, text, said, foil = (str(each or "") for each in (message, text, said, foil))
        asked = render.question(message, text, said, foil)
        if not asked:
            gr.Info("Type a question first, or take an example.")
            return
        thread = thread_of(thread)
        talk = self.talks.get(thread)
        if not talk.busy.acquire(blocking=False):
            raise gr.Error("This conversation is still answering.", print_exception=False)
        try:
            talk.cancel = threading.Event()
            shown = [*shown, render.asked(asked)]
            yield {
                self.thread: thread,
                self.kept: thread,
                self.chat: [*shown, *render.show(render.Turn(), 0.0)],
                **dict.fromkeys((self.box, self.text, self.said, self.foil), ""),
                self.go: gr.update(visible=False),
                self.stop: gr.update(visible=True),
            }
            question = {
                "message": message[:4000],
                "text": text or None,
                "said": said or None,
                "foil": foil or None,
                "focus": {key: focus[key] for key in ("kind", "id")} if focus else None,
            }
            for messages, view in answer(talk, question):
                scene = {self.chat: [*shown, *messages]}
                yield scene if view is None else {**scene, self.circuit: view}
        finally:
            talk.busy.release()

    def on_example(self, thread: Any, shown: Any, choice: gr.SelectData) -> Iterator[Scene]:
        """Ask the example that was clicked."""
        yield from self.on_ask(choice.value["text"], "", "", "", None, thread, shown)

    def on_done(self, focus: Any) -> Scene:
        """Make the page ready for the next question, however the last one ended."""
        return {
            self.go: gr.update(visible=True),
            self.stop: gr.update(visible=False),
            **self.pinned(focus, asked=True),
        }

    def on_stop(self, thread: Any) -> None:
        """Ask the running answer to stop; it says so itself."""
        self.talks.get(thread_of(thread)).cancel.set()

    def on_pick(self, shown: Any, click: gr.EventData) -> Scene:
        """Let the next question be about what was clicked in the drawing."""
        return self.pinned(focus_of(click), asked=bool(shown))

    def on_unpick(self, shown: Any) -> Scene:
        """Let the next question be about nothing in particular."""
        return self.pinned(None, asked=bool(shown))

    def pinned(self, focus: Any, *, asked: bool) -> Scene:
        """The focus, its chip, and the follow-ups that make sense with it."""
        chip = gr.update(value=render.chip(focus) if focus else "", visible=bool(focus))
        follow = {
            button: gr.update(interactive=asked and (bool(focus) or not needs_focus))
            for button, (_, needs_focus) in self.follow.items()
        }
        return {self.focus: focus, self.chip: chip, **follow}

    def wire(self, blocks: gr.Blocks) -> None:
        """Say which widget calls what."""
        picked = [self.focus, self.chip, *self.follow]
        scene = [self.kept, self.thread, self.chat, self.circuit, *picked]
        blocks.load(self.on_load, self.kept, scene, queue=False, **QUIET)
        for again in (self.new.click, self.chat.clear):
            again(self.on_new, None, [*scene, self.box], queue=False, **QUIET)
        self.stop.click(self.on_stop, self.thread, None, queue=False, **QUIET)
        self.circuit.pick(self.on_pick, self.chat, picked, queue=False, **QUIET)
        self.chip.click(self.on_unpick, self.chat, picked, js=UNPIN, queue=False, **QUIET)

        rest = [self.text, self.said, self.foil, self.focus, self.thread, self.chat]
        boxes = (self.box, self.text, self.said, self.foil)
        for trigger in (*(box.submit for box in boxes), self.go.click):
            self.wire_question(trigger, self.on_ask, [self.box, *rest])
        for button, (message, _) in self.follow.items():
            self.wire_question(button.click, self.on_ask, [gr.State(message), *rest])
        self.wire_question(self.chat.example_select, self.on_example, [self.thread, self.chat])

    def wire_question(self, trigger: Any, handler: Any, inputs: list[Any]) -> None:
        """Let an event ask: the desk takes one question at a time, however many pages are open."""
        boxes = [self.box, self.text, self.said, self.foil, self.go, self.stop]
        outputs = [self.chat, self.circuit, self.thread, self.kept, *boxes]
        run = trigger(
            handler,
            inputs,
            outputs,
            concurrency_limit=1,
            concurrency_id="subject",
            show_progress="minimal",  # says the place in the queue while another page's turn lasts
            show_progress_on=self.chat,
            api_visibility="private",
        )
        ready = [self.go, self.stop, self.focus, self.chip, *self.follow]
        done = run.then(self.on_done, self.focus, ready, queue=False, **QUIET)
        done.then(None, None, None, js=TO_QUESTION, **QUIET)  # a long answer is read from its top


def answer(talk: Talk, question: dict[str, Any]) -> Iterator[tuple[list[render.Message], Any]]:
    """The messages, and a drawing or None, after each piece of an answer worth showing."""
    began = shown = time.monotonic()
    turn = render.Turn()
    for event in listen(talk, question):
        now = time.monotonic()
        turn = turn if event is None else render.hear(turn, event, now - began)
        view = event.view if isinstance(event, Drew) else None
        if event is None or view is not None or now - shown > 0.1:
            shown = now
            yield render.show(turn, now - began), view
    yield render.show(turn, time.monotonic() - began, over=True), None


def asset(*names: str) -> str:
    """Files of this room as one text."""
    return "\n".join(files("ui").joinpath(name).read_text(encoding="utf-8") for name in names)


def drawing() -> Any:
    """The circuit: a constant template, drawn by our own script from the value alone."""
    return gr.HTML(
        value=None,
        html_template='<div class="ac ac-none"></div>',
        css_template=asset("graph.css"),
        js_on_load=asset("layout.js", "details.js", "picture.js", "graph.js"),
        apply_default_css=False,
        elem_id="circuit",
    )


def build_app(desk: Desk) -> gr.Blocks:
    """The page of one desk, not yet served."""
    blocks: gr.Blocks = gr.Blocks(title="askcircuit", fill_width=True, analytics_enabled=False)
    with blocks:
        Page(desk).wire(blocks)
    blocks.queue(max_size=32)
    return blocks


def serve(desk: Desk, host: str, port: int) -> tuple[gr.Blocks, str]:
    """Serve the page from a thread; the page, to be closed by the caller, and its address."""
    blocks = build_app(desk)
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
