"""What happens when the widgets of the page are used. What is said comes from the agent."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from agent import AgentError, ConversationIndex, Unfinished
from ui.base import ModelLoader, chat_messages, show_hidden
from ui.page import downloads, owners, shared_bundles, suggestions
from ui.page.asking import Asking, Scene, owner_of
from ui.page.open_conversations import (
    OpenConversations,
    OpenedFile,
    read_factor,
    read_focus,
    read_thread,
    try_factor,
)
from ui.page.widgets import TO_QUESTION, UNPIN, Widgets, show_file

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LIVE = {**QUIET, "queue": False, "trigger_mode": "multiple"}


class Page(Asking):
    """One page; what belongs to a visitor is in its states, what was said is with the agent."""

    def __init__(
        self, opening: ModelLoader, widgets: Widgets, folder: Path, roster: ConversationIndex
    ) -> None:
        """A page of these widgets; `folder` holds what is shared by links, `roster` whose talks there are."""
        super().__init__(widgets, OpenConversations(opening), roster)
        self.opening, self.folder = opening, folder

    def on_load(self, kept: Any, key: Any, request: gr.Request) -> Scene:
        """Open what the link names, or the conversation this browser left, or a worked example."""
        key, thread = owners.key_of(key), read_thread(kept)
        owner, wanted = owner_of(request, key), str(request.query_params.get("bundle", ""))[:64]
        mine = self.roster.owns(owner, thread)
        if wanted or not mine:
            scene = self.opened(wanted or shared_bundles.FIRST, owner, linked=bool(wanted))
        else:
            begun = [] if self.opening.ready else [chat_messages.render_waiting()]
            known = self.build_shelf(thread, owner, saves=False)
            scene = {self.w.kept: thread, self.w.thread: thread, self.w.chat: begun, self.w.shelf: known}
        name = request.username or ""
        leave = gr.update(visible=bool(name), value=f"Log out {show_hidden(name)[:40]}")
        if self.talks.asked_on(request.session_hash):  # somebody was faster: the question has opened its own
            return {self.w.leave: leave}
        return {**scene, self.w.key: key, self.w.leave: leave}

    def on_loading(self) -> Iterator[str]:
        """Say how far the model is, until it is there."""
        while not self.opening.ready:
            yield self.headline()
            time.sleep(1)
        yield self.headline()

    def on_ready(self, thread: Any, key: Any, request: gr.Request) -> Scene:
        """Open the conversation this browser left, which needed the model."""
        thread, owner = read_thread(thread), owner_of(request, key)
        talk = self.talks.get(thread)
        left = self.roster.owns(owner, thread) and talk.still is None and talk.left(request.session_hash)
        return self.scene(thread, owner) if left else {self.w.title: self.headline()}

    def opened(self, name: str, owner: str, *, linked: bool = True) -> Scene:
        """A bundle in a conversation of its own, before the model is there; or why there is none."""
        thread = read_thread(None)
        try:
            self.talks.get(thread).still = OpenedFile.of(shared_bundles.find_bundle(name, self.folder))
        except AgentError as exc:
            return {**self.empty(thread, owner), self.w.chat: [chat_messages.render_error(str(exc))]}
        return self.scene(thread, owner, link=name if linked else "")

    def empty(self, thread: str, owner: str) -> Scene:
        """A conversation nobody has said anything in."""
        self.talks.get(thread).still = OpenedFile([], None)
        return self.scene(thread, owner)

    def headline(self) -> str:
        """The title with what is loaded, how far loading is, or why it failed."""
        if not self.opening.ready:
            what, done = self.opening.at
            return chat_messages.render_title(f"loading the {what} … {done:.0%}", "")
        try:
            about = self.opening.workspace().about()
        except AgentError as exc:
            return chat_messages.render_title(str(exc), "")
        if self.w.read_only:
            return chat_messages.render_title("read-only", "")
        return chat_messages.render_title(about["model"], about["brain"])

    def build_shelf(self, thread: str, owner: str, *, saves: bool, link: str | None = "") -> dict[str, Any]:
        """What the shelf shows: examples, the visitor's own conversations, and what is open.

        `link` goes into the address line; None leaves that as it is.
        """
        still = self.talks.get(thread).still
        opened = thread if still is not None and still.history else ""
        now = {"thread": thread, "link": link, "saves": saves, "opened": opened}
        whose = {"talks": self.roster.list_conversations(owner), "login": owner.startswith("login ")}
        return {"gallery": shared_bundles.read_gallery(), **whose, **now}

    def scene(self, thread: str, owner: str, *, link: str = "") -> Scene:
        """A conversation as it stands."""
        talk = self.talks.get(thread)
        try:
            history, drawing, waits = talk.history(), talk.drawing(), talk.unfinished()
        except AgentError as exc:
            return {self.w.chat: [chat_messages.render_error(str(exc))]}
        return {
            self.w.shelf: self.build_shelf(thread, owner, saves=downloads.can_save(drawing), link=link),
            self.w.box: "",
            self.w.kept: thread,
            self.w.thread: thread,
            self.w.chat: chat_messages.render_history(chat_messages.with_waiting(history, waits)),
            self.w.circuit: chat_messages.encode_drawing(self.seen(drawing)),
            **self.pinned(None, drawing, waits),
        }

    def on_new(self, key: Any, request: gr.Request) -> Scene:
        """Begin another conversation; the old one stays on disk."""
        return self.empty(read_thread(None), owner_of(request, key))

    def on_case(self, key: Any, request: gr.Request, click: gr.EventData) -> Scene:
        """Open a worked example."""
        return self.opened(str(getattr(click, "name", "")), owner_of(request, key))

    def on_talks(self, thread: Any, key: Any, request: gr.Request) -> Any:
        """The list as it is now: another tab may have added to it."""
        return self.rebuild_shelf(read_thread(thread), owner_of(request, key))

    def on_talk(self, key: Any, request: gr.Request, click: gr.EventData) -> Scene:
        """Go on with one of the visitor's own conversations."""
        owner, wanted = owner_of(request, key), str(getattr(click, "thread", ""))
        if not self.roster.owns(owner, wanted):
            return {self.w.shelf: gr.skip()}
        if not self.opening.ready:
            gr.Info("The model is still loading; your conversations open when it is there.")
            return {self.w.shelf: gr.skip()}
        return self.scene(wanted, owner)

    def on_drop(self, thread: Any, key: Any, request: gr.Request, click: gr.EventData) -> Scene:
        """Delete one of the visitor's own conversations, from the list and from disk."""
        owner, wanted = owner_of(request, key), str(getattr(click, "thread", ""))
        if not self.roster.owns(owner, wanted):
            return {self.w.shelf: gr.skip()}
        talk = self.talks.get(wanted)
        if not self.opening.ready or talk.busy.locked():
            gr.Info("It can be deleted when the model is loaded and has answered.")
            return {self.w.shelf: gr.skip()}
        talk.session().forget()
        self.roster.drop(owner, wanted)
        if wanted == thread:
            return self.empty(read_thread(None), owner)
        return {self.w.shelf: self.rebuild_shelf(read_thread(thread), owner)}

    def rebuild_shelf(self, thread: str, owner: str) -> dict[str, Any]:
        """The shelf of a conversation that stays open."""
        return self.build_shelf(thread, owner, saves=downloads.can_save(self.drawn(thread)), link=None)

    def on_fetch(self, thread: Any, click: gr.EventData) -> Any:
        """Make a file of what is open."""
        kind, talk = getattr(click, "kind", ""), self.talks.get(read_thread(thread))
        return show_file(lambda: downloads.export_file(kind, talk)) if kind in downloads.KINDS else gr.skip()

    def on_share(self, thread: Any) -> Any:
        """Keep what is open under a link."""
        talk = self.talks.get(read_thread(thread))
        return show_file(
            lambda: {"link": shared_bundles.save_bundle(talk.bundle(), self.folder), "note": "Copy the link:"}
        )

    def on_bring(self, key: Any, request: gr.Request, click: gr.EventData) -> Scene:
        """Open a file: a bundle goes on as a conversation, somebody's graph can be looked at."""
        name, text = str(getattr(click, "name", "")), str(getattr(click, "text", ""))
        thread = read_thread(None)
        try:
            bundle, view = shared_bundles.read_upload(name, text)
        except AgentError as exc:
            return {self.w.shelf: gr.update(made={"why": str(exc), "at": time.time()})}
        talk = self.talks.get(thread)
        talk.still = (
            OpenedFile.of(bundle) if bundle else OpenedFile(chat_messages.render_file(view), view["drawing"])
        )
        scene = self.scene(thread, owner_of(request, key))
        shown = gr.update(value=scene[self.w.shelf], made={"opened": True, "at": time.time()})
        return {**scene, self.w.shelf: shown}

    def on_done(self, focus: Any, thread: Any, key: Any, request: gr.Request) -> Scene:
        """Make the page ready for the next question, however the last one ended."""
        thread = read_thread(thread)
        drawing = self.drawn(thread)
        drew = self.talks.get(thread).shown  # of a question that was stopped: it is not the conversation's
        other = drew is not None and drew != (drawing or {}).get("graph_id")
        return {
            self.w.circuit: chat_messages.encode_drawing(drawing) if other else gr.skip(),
            self.w.shelf: self.build_shelf(thread, owner_of(request, key), saves=downloads.can_save(drawing)),
            self.w.go: gr.update(visible=True),
            self.w.write: gr.update(visible=True),
            self.w.stop: gr.update(visible=False),
            **self.pinned(
                focus, drawing, self.talks.get(thread).unfinished(), self.talks.get(thread).choices()
            ),
        }

    def drawn(self, thread: Any) -> Any:
        """The circuit of a conversation, where it has one and it can be read."""
        talk = self.talks.get(read_thread(thread))
        return talk.drawing() if talk.still is not None or self.opening.ready else None

    def on_stop(self, thread: Any) -> None:
        """Ask the running answer to stop; it says so itself."""
        self.talks.get(read_thread(thread)).cancel.set()

    def on_pick(self, thread: Any, click: gr.EventData) -> Scene:
        """Let the next question be about what was clicked in the drawing."""
        return self.pinned(read_focus(click), self.drawn(thread))

    def on_unpick(self, thread: Any) -> Scene:
        """Let the next question be about nothing in particular."""
        return self.pinned(None, self.drawn(thread))

    def on_try_factor(self, thread: Any, click: gr.EventData) -> Any:
        """Scale what is pinned, once and without controls, and show what the model then says."""
        seen = try_factor(self.talks.get(read_thread(thread)), click)
        return gr.skip() if seen is None else gr.update(tried=seen)

    def on_keep(self, thread: Any, key: Any, request: gr.Request, click: gr.EventData) -> Scene:
        """Enter what was tried by hand in the conversation and its ledger."""
        focus, factor = read_focus(click), read_factor(click)
        thread = read_thread(thread)
        talk = self.talks.get(thread)
        if focus is None or factor is None or not talk.busy.acquire(blocking=False):
            return {self.w.chat: gr.skip()}
        try:
            session = talk.session()
            session.keep(session.try_out(focus["id"], factor))
        except AgentError as exc:
            gr.Warning(str(exc))
            return {self.w.chat: gr.skip()}
        finally:
            talk.busy.release()
        owners.list_conversation(self.roster, owner_of(request, key), thread, f"{focus['id']} by hand")
        return {
            self.w.chat: chat_messages.render_history(talk.history()),
            self.w.circuit: chat_messages.encode_drawing(talk.drawing()),
        }

    def seen(self, drawing: Any) -> Any:
        """The circuit as it is shown: where nothing can be asked, nothing can be tried either."""
        return {**drawing, "only_seen": True} if drawing and self.w.read_only else drawing

    def pinned(
        self, focus: Any, drawing: Any, waits: Unfinished | None = None, choices: list[str] | None = None
    ) -> Scene:
        """The focus, its chip, and the questions that make sense with it, or with one that waits."""
        asked = focus if not self.w.read_only else None
        chip = gr.update(value=chat_messages.render_focus(asked) if asked else "", visible=bool(asked))
        asks = (
            suggestions.replies(waits) or choices or suggestions.suggest_questions(self.seen(drawing), focus)
        )
        buttons = {
            button: gr.update(value=asks[i] if i < len(asks) else "", visible=i < len(asks))
            for i, button in enumerate(self.w.ideas)
        }
        hint = gr.update(placeholder=suggestions.write_hint(drawing))
        return {self.w.focus: focus, self.w.chip: chip, **buttons, self.w.box: hint}

    def wire(self, blocks: gr.Blocks) -> None:
        """Say which widget calls what."""
        picked = [self.w.focus, self.w.chip, self.w.box, *self.w.ideas]
        scene = [self.w.kept, self.w.thread, self.w.chat, self.w.circuit, self.w.shelf, *picked]
        first = [*scene, self.w.key, self.w.leave]
        load = blocks.load(self.on_load, [self.w.kept, self.w.key], first, concurrency_limit=None, **QUIET)
        loaded = load.then(self.on_loading, None, self.w.title, concurrency_limit=None, **QUIET)
        loaded.then(self.on_ready, [self.w.thread, self.w.key], [*scene, self.w.title], queue=False, **QUIET)
        for again in (self.w.new.click, self.w.chat.clear):
            again(self.on_new, self.w.key, scene, queue=False, **QUIET)
        for event, handler in ((self.w.shelf.opencase, self.on_case), (self.w.shelf.opentalk, self.on_talk)):
            event(handler, self.w.key, scene, **LIVE)
        self.w.shelf.bringfile(self.on_bring, self.w.key, scene, **LIVE)
        mine = [self.w.thread, self.w.key]
        self.w.shelf.droptalk(self.on_drop, mine, scene, **LIVE)
        self.w.shelf.listtalks(self.on_talks, mine, self.w.shelf, **LIVE)
        self.w.shelf.fetchfile(self.on_fetch, self.w.thread, self.w.shelf, **LIVE)
        self.w.shelf.sharelink(self.on_share, self.w.thread, self.w.shelf, **LIVE)
        self.w.stop.click(self.on_stop, self.w.thread, None, queue=False, **QUIET)
        self.w.circuit.pick(self.on_pick, self.w.thread, picked, **LIVE)
        self.w.circuit.dial(self.on_try_factor, self.w.thread, self.w.circuit, **LIVE)
        self.w.circuit.keep(self.on_keep, mine, [self.w.chat, self.w.circuit], **LIVE)
        self.w.chip.click(self.on_unpick, self.w.thread, picked, js=UNPIN, queue=False, **QUIET)

        rest = [self.w.text, self.w.said, self.w.foil, self.w.focus, self.w.thread, self.w.chat, self.w.key]
        boxes = (self.w.box, self.w.text, self.w.said, self.w.foil)
        for trigger in (*(box.submit for box in boxes), self.w.go.click):
            self.wire_question(trigger, self.on_ask, [self.w.box, *rest])
        for button in self.w.ideas:
            self.wire_question(button.click, self.on_ask, [button, *rest])
        talk = [self.w.thread, self.w.chat, self.w.key]
        self.wire_question(self.w.write.click, self.on_write, [self.w.box, *self.w.how, *talk])
        self.wire_question(self.w.chat.example_select, self.on_example, talk)
        self.wire_question(self.w.circuit.act, self.on_act, talk)

    def wire_question(self, trigger: Any, handler: Any, inputs: list[Any]) -> None:
        """Let an event ask: it waits for its turn at the workspace, is told its place, and can be stopped."""
        boxes: list[Any] = [self.w.box, self.w.text, self.w.said, self.w.foil]
        boxes += [self.w.go, self.w.write, self.w.stop]
        outputs = [self.w.chat, self.w.circuit, self.w.thread, self.w.kept, self.w.key, *boxes]
        run = trigger(
            handler,
            inputs,
            outputs,
            concurrency_limit=None,
            concurrency_id="subject",
            **QUIET,
        )
        picked = [self.w.focus, self.w.chip, self.w.box, *self.w.ideas]
        ready = [self.w.circuit, self.w.shelf, self.w.go, self.w.write, self.w.stop, *picked]
        done = run.then(self.on_done, [self.w.focus, self.w.thread, self.w.key], ready, queue=False, **QUIET)
        done.then(None, None, None, js=TO_QUESTION, **QUIET)  # a long answer is read from its top
