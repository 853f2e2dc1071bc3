"""The widgets of the page and what happens when they are used. What is said comes from the agent."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from agent import AgentError
from ui import ideas, render, report, shared, shelf
from ui.opening import Opening
from ui.talks import Still, Talks, act_of, factor_of, focus_of, listen, number_of, thread_of

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LIVE = {**QUIET, "queue": False, "trigger_mode": "multiple"}
UNPIN = """() => document.querySelector('#circuit .ac').parentElement
    .dispatchEvent(new CustomEvent('ac-clear'))"""
TO_QUESTION = """() => { setTimeout(() => {
    const asked = [...document.querySelectorAll('#chat .message-row.user-row')].pop();
    const list = asked?.closest('.bubble-wrap');
    if (list) list.scrollTop += asked.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
}, 400); }"""
Scene = dict[Any, Any]  # widget: its new value


class Page:
    """One page; what belongs to a visitor is in its states, what was said is with the agent."""

    def __init__(self, opening: Opening, drawing: Any, bookshelf: Any, folder: Path) -> None:
        """Lay out the widgets; to be called inside gr.Blocks. The middle two make the drawn ones."""
        self.opening, self.talks = opening, Talks(opening)
        self.folder = folder
        self.kept = gr.BrowserState(None, storage_key="askcircuit-thread", secret="askcircuit")
        self.listed = gr.BrowserState([], storage_key="askcircuit-talks", secret="askcircuit")
        self.thread, self.focus = gr.State(None), gr.State(None)
        with gr.Row(elem_id="top"):
            self.title = gr.Markdown(render.title("", ""), elem_id="title")
            self.shelf = bookshelf()
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
            examples=[{"text": text, "display_text": name} for name, text in ideas.EXAMPLES.items()],
        )
        self.chip = gr.Button("", size="sm", visible=False, elem_id="chip")
        with gr.Row(elem_id="follow"):
            self.ideas = [gr.Button("", size="sm", visible=False) for _ in range(ideas.COUNT)]
        with gr.Row(elem_id="asking"):
            self.box = gr.Textbox(
                placeholder=ideas.NOTHING_YET,
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

    def on_load(self, kept: Any, listed: Any, request: gr.Request) -> Iterator[Scene]:
        """Open what the link names, or the conversation this browser left, or a worked example."""
        thread, wanted = thread_of(kept), str(request.query_params.get("bundle", ""))[:64]
        mine = any(entry["thread"] == thread for entry in shelf.listed(listed))
        if wanted or not mine:
            yield {
                **self.opened(wanted or shared.FIRST, listed, linked=bool(wanted)),
                self.title: self.headline(),
            }
        else:
            begun = [] if self.opening.ready else [render.waiting()]
            known = self.shelved(thread, listed, saves=False)
            now = {self.kept: thread, self.thread: thread, self.chat: begun, self.shelf: known}
            yield {**now, self.title: self.headline()}
        while not self.opening.ready:
            time.sleep(0.3)
            yield {self.title: self.headline()}
        rest = self.scene(thread, listed) if mine and not wanted else {}
        yield {**rest, self.title: self.headline()}

    def opened(self, name: str, listed: Any, *, linked: bool = True) -> Scene:
        """A bundle in a conversation of its own, before the model is there; or why there is none."""
        thread = thread_of(None)
        try:
            self.talks.get(thread).still = Still.of(shared.find(name, self.folder))
        except AgentError as exc:
            return {**self.empty(thread, listed), self.chat: [render.trouble(str(exc))]}
        return self.scene(thread, listed, link=name if linked else "")

    def empty(self, thread: str, listed: Any) -> Scene:
        """A conversation nobody has said anything in."""
        self.talks.get(thread).still = Still([], None)
        return self.scene(thread, listed)

    def headline(self) -> str:
        """The title with what is loaded, how far loading is, or why it failed."""
        if not self.opening.ready:
            what, done = self.opening.at
            return render.title(f"loading the {what} … {done:.0%}", "")
        try:
            about = self.opening.desk().about()
        except AgentError as exc:
            return render.title(str(exc), "")
        return render.title(about["model"], about["brain"])

    def shelved(self, thread: str, listed: Any, *, saves: bool, link: str = "") -> dict[str, Any]:
        """What the shelf shows: examples, this browser's conversations, and what is open."""
        talks, still = shelf.listed(listed), self.talks.get(thread).still
        opened = thread if still is not None and still.history else ""
        now = {"thread": thread, "link": link, "saves": saves, "opened": opened}
        return {"gallery": shared.gallery(), "talks": talks, **now}

    def scene(self, thread: str, listed: Any, *, link: str = "") -> Scene:
        """A conversation as it stands."""
        talk = self.talks.get(thread)
        try:
            history, drawing = talk.history(), talk.drawing()
        except AgentError as exc:
            return {self.chat: [render.trouble(str(exc))]}
        saves = bool(drawing) and not (drawing or {}).get("only_seen")
        return {
            self.shelf: self.shelved(thread, listed, saves=saves, link=link),
            self.box: "",
            self.kept: thread,
            self.thread: thread,
            self.chat: render.past(history),
            self.circuit: drawing,
            **self.pinned(None, drawing),
        }

    def on_new(self, listed: Any) -> Scene:
        """Begin another conversation; the old one stays on disk."""
        return self.empty(thread_of(None), listed)

    def on_case(self, listed: Any, click: gr.EventData) -> Scene:
        """Open a worked example."""
        return self.opened(str(getattr(click, "name", "")), listed)

    def on_talk(self, listed: Any, click: gr.EventData) -> Scene:
        """Go on with one of this browser's conversations; others it cannot name."""
        wanted = getattr(click, "thread", None)
        known = [entry["thread"] for entry in shelf.listed(listed)]
        if wanted not in known:
            return {self.shelf: gr.skip()}
        if not self.opening.ready:
            gr.Info("The model is still loading; your conversations open when it is there.")
            return {self.shelf: gr.skip()}
        return self.scene(str(wanted), listed)

    def on_drop(self, thread: Any, listed: Any, click: gr.EventData) -> Scene:
        """Delete one of this browser's conversations, here and on disk."""
        wanted = getattr(click, "thread", None)
        if wanted not in [entry["thread"] for entry in shelf.listed(listed)] or not self.opening.ready:
            return {self.listed: gr.skip()}
        self.talks.get(str(wanted)).session().forget()
        left = shelf.without_talk(listed, str(wanted))
        if wanted == thread:
            return {self.listed: left, **self.empty(thread_of(None), left)}
        return {self.listed: left, self.shelf: self.shelved(thread_of(thread), left, saves=True)}

    def on_fetch(self, thread: Any, click: gr.EventData) -> Any:
        """Make a file of what is open."""
        kind = getattr(click, "kind", "")
        if kind not in report.KINDS:
            return gr.skip()
        try:
            return gr.update(made=report.exported(kind, self.talks.get(thread_of(thread))))
        except AgentError as exc:
            return gr.update(made={"why": str(exc), "at": time.time()})

    def on_share(self, thread: Any) -> Any:
        """Keep what is open under a link."""
        try:
            name = shared.share(self.talks.get(thread_of(thread)).bundle(), self.folder)
        except AgentError as exc:
            return gr.update(made={"why": str(exc), "at": time.time()})
        return gr.update(made={"link": name, "note": "Copy the link:", "at": time.time()})

    def on_bring(self, listed: Any, click: gr.EventData) -> Scene:
        """Open a file: a bundle goes on as a conversation, somebody's graph can be looked at."""
        name, text = str(getattr(click, "name", "")), str(getattr(click, "text", ""))
        thread = thread_of(None)
        try:
            bundle, view = shared.brought(name, text)
        except AgentError as exc:
            return {self.shelf: gr.update(made={"why": str(exc), "at": time.time()})}
        talk = self.talks.get(thread)
        talk.still = Still.of(bundle) if bundle else Still(render.read(view), view["drawing"])
        scene = self.scene(thread, listed)
        shown = gr.update(value=scene[self.shelf], made={"opened": True, "at": time.time()})
        return {**scene, self.shelf: shown}

    def on_ask(
        self, message: str, text: str, said: str, foil: str, focus: Any, thread: Any, shown: Any, listed: Any
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
            listed = shelf.with_talk(listed, thread, asked)
            shown = [*shown, render.asked(asked)]
            yield {
                self.thread: thread,
                self.kept: thread,
                self.listed: listed,
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
            for messages, view in render.answer(listen(talk, question)):
                scene = {self.chat: [*shown, *messages]}
                yield scene if view is None else {**scene, self.circuit: view}
        finally:
            talk.busy.release()

    def on_example(self, thread: Any, shown: Any, listed: Any, choice: gr.SelectData) -> Iterator[Scene]:
        """Ask the example that was clicked."""
        yield from self.on_ask(choice.value["text"], "", "", "", None, thread, shown, listed)

    def on_act(self, thread: Any, shown: Any, listed: Any, click: gr.EventData) -> Iterator[Scene]:
        """Ask what a button of the drawing stands for: a test with controls, or a swap."""
        focus, message = focus_of(click), act_of(click)
        if focus is None or message is None:
            return
        yield from self.on_ask(message, "", "", "", focus, thread, shown, listed)

    def on_done(self, focus: Any, thread: Any, listed: Any) -> Scene:
        """Make the page ready for the next question, however the last one ended."""
        thread = thread_of(thread)
        drawing = self.drawn(thread)
        return {
            self.shelf: self.shelved(thread, listed, saves=bool(drawing)),
            self.go: gr.update(visible=True),
            self.stop: gr.update(visible=False),
            **self.pinned(focus, drawing),
        }

    def drawn(self, thread: Any) -> Any:
        """The circuit of a conversation, where it has one and it can be read."""
        talk = self.talks.get(thread_of(thread))
        return talk.drawing() if talk.still is not None or self.opening.ready else None

    def on_stop(self, thread: Any) -> None:
        """Ask the running answer to stop; it says so itself."""
        self.talks.get(thread_of(thread)).cancel.set()

    def on_pick(self, thread: Any, click: gr.EventData) -> Scene:
        """Let the next question be about what was clicked in the drawing."""
        return self.pinned(focus_of(click), self.drawn(thread))

    def on_unpick(self, thread: Any) -> Scene:
        """Let the next question be about nothing in particular."""
        return self.pinned(None, self.drawn(thread))

    def on_dial(self, thread: Any, click: gr.EventData) -> Any:
        """Scale what is pinned, once and without controls, and show what the model then says."""
        focus, factor, number = focus_of(click), factor_of(click), number_of(click)
        if focus is None or factor is None:
            return gr.skip()
        if not self.opening.ready:
            return gr.update(tried={"n": number, "id": focus["id"], "why": "The model is still loading."})
        try:
            tried = self.talks.get(thread_of(thread)).session().try_out(focus["id"], factor)
        except AgentError as exc:
            return gr.update(tried={"n": number, "id": focus["id"], "why": str(exc)})
        return gr.update(tried={"n": number, **tried.plain(), "id": focus["id"]})

    def on_keep(self, thread: Any, listed: Any, click: gr.EventData) -> Scene:
        """Enter what was tried by hand in the conversation and its ledger."""
        focus, factor = focus_of(click), factor_of(click)
        thread = thread_of(thread)
        talk = self.talks.get(thread)
        if focus is None or factor is None or not talk.busy.acquire(blocking=False):
            return {self.listed: listed}
        try:
            session = talk.session()
            session.keep(session.try_out(focus["id"], factor))
        except AgentError as exc:
            gr.Warning(str(exc))
            return {self.listed: listed}
        finally:
            talk.busy.release()
        title = f"{focus['id']} by hand"
        return {
            self.chat: render.past(talk.history()),
            self.circuit: talk.drawing(),
            self.listed: shelf.with_talk(listed, thread, title),
        }

    def pinned(self, focus: Any, drawing: Any) -> Scene:
        """The focus, its chip, and the questions that make sense with it."""
        chip = gr.update(value=render.chip(focus) if focus else "", visible=bool(focus))
        asks = ideas.ideas(drawing, focus)
        buttons = {
            button: gr.update(value=asks[i] if i < len(asks) else "", visible=i < len(asks))
            for i, button in enumerate(self.ideas)
        }
        hint = gr.update(placeholder=ideas.hint(drawing))
        return {self.focus: focus, self.chip: chip, **buttons, self.box: hint}

    def wire(self, blocks: gr.Blocks) -> None:
        """Say which widget calls what."""
        picked = [self.focus, self.chip, self.box, *self.ideas]
        scene = [self.kept, self.thread, self.chat, self.circuit, self.shelf, *picked]
        kept = [self.kept, self.listed]
        blocks.load(self.on_load, kept, [*scene, self.title], concurrency_limit=None, **QUIET)
        for again in (self.new.click, self.chat.clear):
            again(self.on_new, self.listed, scene, queue=False, **QUIET)
        for event, handler in ((self.shelf.opencase, self.on_case), (self.shelf.opentalk, self.on_talk)):
            event(handler, self.listed, scene, **LIVE)
        self.shelf.bringfile(self.on_bring, self.listed, scene, **LIVE)
        self.shelf.droptalk(self.on_drop, [self.thread, self.listed], [*scene, self.listed], **LIVE)
        self.shelf.fetchfile(self.on_fetch, self.thread, self.shelf, **LIVE)
        self.shelf.sharelink(self.on_share, self.thread, self.shelf, **LIVE)
        self.stop.click(self.on_stop, self.thread, None, queue=False, **QUIET)
        self.circuit.pick(self.on_pick, self.thread, picked, **LIVE)
        self.circuit.dial(self.on_dial, self.thread, self.circuit, **LIVE)
        tried = [self.chat, self.circuit, self.listed]
        self.circuit.keep(self.on_keep, [self.thread, self.listed], tried, **LIVE)
        self.chip.click(self.on_unpick, self.thread, picked, js=UNPIN, queue=False, **QUIET)

        rest = [self.text, self.said, self.foil, self.focus, self.thread, self.chat, self.listed]
        boxes = (self.box, self.text, self.said, self.foil)
        for trigger in (*(box.submit for box in boxes), self.go.click):
            self.wire_question(trigger, self.on_ask, [self.box, *rest])
        for button in self.ideas:
            self.wire_question(button.click, self.on_ask, [button, *rest])
        talk = [self.thread, self.chat, self.listed]
        self.wire_question(self.chat.example_select, self.on_example, talk)
        self.wire_question(self.circuit.act, self.on_act, talk)

    def wire_question(self, trigger: Any, handler: Any, inputs: list[Any]) -> None:
        """Let an event ask: the desk takes one question at a time, however many pages are open."""
        boxes = [self.box, self.text, self.said, self.foil, self.go, self.stop]
        outputs = [self.chat, self.circuit, self.thread, self.kept, self.listed, *boxes]
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
        ready = [self.shelf, self.go, self.stop, self.focus, self.chip, self.box, *self.ideas]
        done = run.then(self.on_done, [self.focus, self.thread, self.listed], ready, queue=False, **QUIET)
        done.then(None, None, None, js=TO_QUESTION, **QUIET)  # a long answer is read from its top
