"""What is asked on the page, or written, and how the answer is shown as it comes."""

import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from agent import ConversationIndex
from ui.base import chat_messages
from ui.page import owners
from ui.page.open_conversations import (
    OpenConversations,
    read_focus,
    read_thread,
    read_token,
    stream_events,
    write_action,
)
from ui.page.widgets import Widgets
from ui.page.writing_options import read_request

Scene = dict[Any, Any]  # widget: its new value


class Asking:
    """The part of a page that sends a message and shows what comes."""

    def __init__(self, widgets: Widgets, talks: OpenConversations, roster: ConversationIndex) -> None:
        """These widgets, the open conversations, and whose they are."""
        self.w, self.talks, self.roster = widgets, talks, roster

    def on_ask(  # noqa: PLR0913 - an input each
        self,
        message: str,
        text: str,
        said: str,
        foil: str,
        focus: Any,
        thread: Any,
        shown: Any,
        key: Any,
        request: gr.Request,
    ) -> Iterator[Scene]:
        """Answer a question, piece by piece.

        Gradio sends what changed from piece to piece, and a busy browser changes a piece before it is
        shown: a key that the next piece lacks is then lost. So each piece says again who is busy, and the
        circuit is a text, which is replaced as a whole.
        """
        message, text, said, foil = (str(each or "") for each in (message, text, said, foil))
        asked = chat_messages.write_question(message, text, said, foil)
        if not asked:
            gr.Info("Type a question first, or take an example.")
            yield {self.w.chat: gr.skip()}  # of a stream without a piece Gradio empties all it writes to
            return
        question = {
            "message": message,
            "text": text or None,
            "said": said or None,
            "foil": foil or None,
            "focus": {key: focus[key] for key in ("kind", "id")} if focus else None,
        }
        yield from self.stream(asked, question, thread, shown, key, request)

    def on_write(  # noqa: PLR0913 - an input each
        self,
        message: str,
        tokens: Any,
        heat: Any,
        seed: Any,
        stop: str,
        kind: str,
        system: str,
        thread: Any,
        shown: Any,
        key: Any,
        request: gr.Request,
    ) -> Iterator[Scene]:
        """Let the subject write behind a text or a message, or go on with what it wrote last."""
        try:
            asked = read_request(str(message or ""), tokens, heat, seed, stop, kind, system)
        except ValueError as exc:
            gr.Info(str(exc))
            yield {self.w.chat: gr.skip()}
            return
        yield from self.stream(asked.text or "write on", {"write": asked}, thread, shown, key, request)

    def stream(
        self, asked: str, question: dict[str, Any], thread: Any, shown: Any, key: Any, request: gr.Request
    ) -> Iterator[Scene]:
        """The events of one question as the page shows them."""
        thread, key = read_thread(thread), owners.key_of(key)
        talk = self.talks.get(thread)
        if not talk.busy.acquire(blocking=False):
            raise gr.Error("This conversation is still answering.", print_exception=False)
        try:
            talk.cancel, talk.shown, talk.page = threading.Event(), None, request.session_hash
            owners.list_conversation(self.roster, owner_of(request, key), thread, asked)
            shown = [*shown, chat_messages.render_user_message(asked)]
            hide = gr.update(visible=False)
            busy: Scene = {self.w.go: hide, self.w.write: hide, self.w.stop: gr.update(visible=True)}
            yield {
                **busy,
                self.w.thread: thread,
                self.w.kept: thread,
                self.w.key: key,
                self.w.chat: [*shown, *chat_messages.render_turn(chat_messages.AnswerInProgress(), 0.0)],
                **dict.fromkeys((self.w.box, self.w.text, self.w.said, self.w.foil), ""),
            }
            owner = owner_of(request, key)
            for messages, view in chat_messages.stream_messages(stream_events(talk, question)):
                scene = {**busy, self.w.chat: [*shown, *messages]}
                talk.shown = talk.shown if view is None else view["graph_id"]
                yield scene if view is None else {**scene, self.w.circuit: chat_messages.encode_drawing(view)}
            owners.name_conversation(self.roster, owner, thread, talk.title())
        finally:
            talk.busy.release()

    def on_example(
        self, thread: Any, shown: Any, key: Any, request: gr.Request, choice: gr.SelectData
    ) -> Iterator[Scene]:
        """Ask the example that was clicked."""
        yield from self.on_ask(choice.value["text"], "", "", "", None, thread, shown, key, request)

    def on_act(
        self, thread: Any, shown: Any, key: Any, request: gr.Request, click: gr.EventData
    ) -> Iterator[Scene]:
        """Ask what a button of the drawing stands for: a test with controls, or a swap."""
        if (token := read_token(click)) is not None:
            asked = f"Why “{str(getattr(click, 'words', ''))[:80]}” here?"
            yield from self.stream(asked, {"token": token}, thread, shown, key, request)
            return
        focus, message = read_focus(click), write_action(click)
        if focus is None or message is None:
            yield {self.w.chat: gr.skip()}
            return
        yield from self.on_ask(message, "", "", "", focus, thread, shown, key, request)


def owner_of(request: gr.Request, key: Any) -> str:
    """Whose conversations a request may see."""
    return owners.owner_of(request.username, key)
