"""Where a conversation stands: what was said and drawn, what is tried by hand, kept, opened and forgotten."""

import threading
from typing import Any, cast

from agent.answers import Bundle, add_verdicts, make_bundle
from agent.core import AgentError, Message, State, case_of, claims_of, plain_claim
from agent.experiments import (
    LensReading,
    ManualIntervention,
    make_try_claim,
    read_lens,
    try_factor,
    write_reply,
    write_request,
)
from agent.session.history_lines import collect_citations
from agent.session.recall import name_talk
from agent.workspace import Workspace, wait_turn

QUESTION_KEYS = ("said", "decision", "asks", "granted", "brain")  # what ends with it


class Standing:
    """A conversation on one thread, between its questions."""

    def __init__(self, workspace: Workspace, thread: str, planner_name: str) -> None:
        self._workspace, self._thread, self._planner_name = workspace, thread, planner_name

    def try_out(self, focus: str, factor: float) -> ManualIntervention:
        """Scale a group or feature of the drawing by hand and look, once; raises AgentError."""
        return try_factor(self._workspace, self._state(), focus, factor)

    def read_lens(
        self,
        text: str | None = None,
        *,
        at: str | None = None,
        best: int = 3,
        cancel: threading.Event | None = None,
    ) -> LensReading:
        """The best words that the lens reads behind each block at each word of a text, or `at` one.

        `text` is that of the last question where none is given. Tests nothing. Raises AgentError with a
        sentence, also where the model has no lens yet.
        """
        if text is None:
            state = self._state()
            if state.get("case") is None:
                raise AgentError("There is no text yet on which the lens could be read: give one.")
            text = case_of(state)["text"]
        with self._workspace.turns.place(cancel or threading.Event()) as place:
            for _ahead in wait_turn(place):
                pass
            if cancel is not None and cancel.is_set():
                raise AgentError("Stopped.")
            return read_lens(self._workspace, text, at=at, best=best)

    def keep(self, tried: ManualIntervention) -> None:
        """Enter in the conversation and the ledger what was tried by hand, as the reader's own."""
        old = self._state()
        state = cast(State, {**old, "turn": old.get("turn", 0) + 1})
        claim, sentence = make_try_claim(state, tried)
        claims = [*state.get("claims", []), claim]
        marked = {**state, "claims": claims}
        marks = collect_citations(cast(State, marked), [{"text": sentence.text, "claims": [claim["id"]]}])
        said = [
            Message(role="user", content=write_request(tried)),
            cast(Message, {"role": "assistant", "content": write_reply(sentence), **marks}),
        ]
        update = {"turn": state["turn"], "claims": claims, "history": [*old["history"], *said]}
        drawing = add_verdicts(state.get("drawing") or {}, state.get("groups") or [], claims)
        self._keep(cast(State, {**old, **update, "drawing": drawing, "finished": True}))

    def forget(self) -> None:
        """Delete this conversation."""
        self._workspace.conversations.forget(self._thread)

    def title(self) -> str:
        """What the conversation is about: its text and the answer; empty where there is none yet."""
        return name_talk(self._state())

    def history(self) -> list[Message]:
        """What was said so far."""
        return self._state().get("history", [])

    def last_drawing(self) -> dict[str, Any] | None:
        """The circuit that was shown last."""
        drawing = self._state().get("drawing")
        return drawing if drawing and drawing["nodes"] else None

    def findings(self) -> list[dict[str, Any]]:
        """The claims of the last turn, as reports have them: predicted, measured, controls, p, verdict."""
        state = self._state()
        return [plain_claim(claim) for claim in claims_of(state) if claim.turn == state["turn"]]

    def bundle(self, title: str = "") -> Bundle:
        """The last explanation and all it rests on; raises AgentError when there is none yet."""
        settings, about = self._workspace.settings, self._workspace.about()
        how = {"model": about["model"], "nodes": settings.nodes, "controls": settings.controls}
        return make_bundle(self._state(), {**how, "brain": self._planner_name}, title)

    def open(self, bundle: Bundle) -> None:
        """Make this conversation the bundle's; raises AgentError where it is about another model.

        A read-only workspace has no model: there it can be read, whatever it is about.
        """
        there = bundle.report.model
        here = there if self._workspace.settings.read_only else self._workspace.subject.name
        if here != there:
            raise AgentError(f"The bundle is about {there}; the model loaded here is {here}.")
        self._keep(bundle.state)

    def _state(self) -> State:
        return self._workspace.conversations.state(self._thread)

    def _keep(self, state: State) -> None:
        """Where the conversation stands from now on."""
        lasting = {name: value for name, value in state.items() if name not in QUESTION_KEYS}
        self._workspace.conversations.keep(self._thread, cast(State, lasting))
