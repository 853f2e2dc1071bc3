"""How a question begins: what decides, what state it starts from, what it may hold, how long it may take."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from agent.answers import find_asked_sentences
from agent.core import Message, Planner, QuestionError, Settings, SettingsError, State, quote_token
from agent.planners import (
    NEW_EXPLANATION_INTENTS,
    Budget,
    LLMPlanner,
    OneShotPlanner,
    RulePlanner,
    TextPlanner,
    ask_back,
    find_right_token,
    say_back,
    tested_groups,
)
from agent.questions import Intent, Question
from agent.session.understanding import kept_question
from agent.workspace import Workspace

CONTINUED_INTENTS = {
    Intent.WHY,
    Intent.USES,
}  # about the same text they keep what its answer is compared with
LOOP_KEYS = ("decision", "asks", "granted", "brain", "idle")
SEPARATE_KEYS = ("history", "report", "earlier")  # what a question in hand needs not


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as the conversation shows it, and how it is understood when its turn comes."""

    message: str
    focus: dict[str, str] | None
    understood: Callable[[State, Planner], Question]
    reader: Callable[[State, Planner], str] = lambda _old, _planner: ""  # the language model that reads it


@dataclass(frozen=True, slots=True)
class Continuation:
    """What is in hand is to be gone on with; what it asked for is allowed or not."""

    message: str
    allow: bool


class Unfinished(NamedTuple):
    """A question without an answer: it was cut off, or asks whether it may spend more."""

    message: str
    asks: str  # empty where it was cut off


def make_budget(settings: Settings) -> Budget:
    """What a question may cost by these settings."""
    return Budget(settings.max_actions, settings.answer_within, settings.max_passes)


def choose_planner(
    name: str, settings: Settings, stop: threading.Event, budget: Budget, *, thorough: bool = False
) -> Planner:
    """The planner of this name, which answers with what there is once its budget is spent."""
    match name:
        case "llm":
            return LLMPlanner(settings, stop, budget, thorough=thorough)
        case "one-shot":
            return OneShotPlanner(settings.nodes)
        case "text-only":
            return TextPlanner(settings.nodes)
        case "rules":
            return RulePlanner(settings.nodes, budget, thorough=thorough)
        case _:
            raise SettingsError(f"There is no brain {name!r}; there are rules, llm, one-shot and text-only.")


@contextmanager
def limit_time(seconds: int | None, stop: threading.Event) -> Iterator[threading.Event]:
    """Stop what runs in the block after this time; the event yielded tells that it was the time."""
    expired = threading.Event()

    def end() -> None:
        expired.set()
        stop.set()

    clock = threading.Timer(seconds or 0, end)
    clock.daemon = True
    if seconds is not None:
        clock.start()
    try:
        yield expired
    finally:
        clock.cancel()


def make_first_state(old: State, question: Question, message: str, focus: dict[str, str] | None) -> State:
    """The state a turn starts from: explanations start anew, other questions go on with what is there."""
    asked = kept_question(question)
    back = ask_back(question, focus, old.get("case")) if old.get("case") or question.text else ""
    asked["lacking"] = back or say_back(
        question, old.get("case"), old.get("groups") or [], tested_groups(old)
    )
    intent = Intent.HELP if asked["lacking"] else question.intent
    asked["intent"] = str(intent)
    case = old.get("case")
    turn = old.get("turn", 0) + 1
    fresh = intent in NEW_EXPLANATION_INTENTS
    if intent is Intent.EVIDENCE:
        asked["about"] = find_asked_sentences(old)
    elsewhere = (
        not asked["lacking"] and bool(question.text) and (case is None or case["text"] != question.text)
    )
    anew = not asked["lacking"] and question.part is not None  # what is looked at is another part
    state: dict[str, Any] = {name: value for name, value in old.items() if name not in SEPARATE_KEYS}
    state |= {
        "turn": turn,
        "said": [Message(role="user", content=message)],
        "question": asked,
        "focus": focus,
    }
    if (old.get("concepts") or {}).get("note"):
        state["concepts"] = None  # there was no lens; there may be one now
    state |= {"finished": False, "log": [], **dict.fromkeys(("found", "spent", *LOOP_KEYS))}
    if fresh or elsewhere or anew:
        asked["text"] = question.text or (case["text"] if case else None)
        if question.intent is Intent.WHY_NOT and not question.text:
            asked["said"] = None
        if anew and case and not elsewhere and not (question.said or question.foil):
            asked["said"] = case["asked"]
        if (
            question.intent in CONTINUED_INTENTS
            and case
            and not elsewhere
            and not (question.said or question.foil)
        ):
            asked["foil"] = case["foil"]  # what it was compared with before
        if question.intent is Intent.MISTAKE and not asked["foil"] and asked["text"]:
            asked["foil"], asked["assumed"] = find_right_token(asked["text"], case if not elsewhere else None)
        state |= dict.fromkeys(("case", "graph", "concepts", "groups", "flows", "drawing", "report"))
        state |= {"features": [], "claims": []}
    return cast(State, state)


def measure_cost(
    workspace: Workspace, before: dict[str, int], start: float, earlier: dict[str, float]
) -> dict[str, Any]:
    """What the question has taken, with what it had taken when it was cut off."""
    spent = {name: now - before[name] for name, now in workspace.spent().items()}
    spent["forward_passes"] += int(earlier.get("forward_passes", 0))
    return {"seconds": round(time.perf_counter() - start + earlier.get("seconds", 0.0), 3), **spent}


def say_took_too_long(settings: Settings) -> str:
    """Why a question was stopped at the limit."""
    return (
        f"This took longer than the {settings.max_seconds} seconds a question may take here "
        "(ASKCIRCUIT_MAX_SECONDS), and was stopped. Ask about a shorter text."
    )


def clean_message(text: str) -> str:
    """Text that can be stored: lone surrogates cannot be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")


def refuse_control_characters(question: Question) -> None:
    """Tabs and line ends are text; other control characters and lone surrogates are a broken input."""
    pieces = (question.text, question.said, question.foil, question.group, question.other)
    for c in "".join(piece or "" for piece in pieces):
        if (ord(c) < 32 and c not in "\n\r\t") or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000:
            raise QuestionError(
                f"The text holds the control character U+{ord(c):04X}, which cannot be read. Remove it."
            )


def in_mind(text: str, at: str | None) -> Question:
    """What the model has in mind on a text, at each word or at one."""
    what = f"What does it have in mind at {at!r}?" if at else "What does it have in mind?"
    return Question(Intent.CONCEPTS, text=text, group=at, raw=what)


def to_exchange(concept: str, other: str, at: str | None, text: str | None) -> Question:
    """A concept exchanged for another one."""
    what = f"Put {other} in the place of {concept}."
    return Question(Intent.SWAP, text=text, group=concept, other=other, at=at, concept=True, raw=what)


def to_change(group: str, factor: float, other: str | None) -> Question:
    """A group scaled, or swapped for what another word brings."""
    intent = Intent.INTERVENE if other is None else Intent.SWAP
    what = f"Swap {group} for {other}." if other else f"Multiply {group} by {factor:g}."
    return Question(intent, group=group, factor=factor, other=other, raw=what)


def ask_about_token(text: str, said: str, foil: str | None) -> Question:
    """Why a token that was written or given stands in its place."""
    rather = f" rather than {quote_token(foil)}" if foil else ""
    return Question(Intent.WHY, text=text, said=said, foil=foil, raw=f"Why {quote_token(said)} here{rather}?")
