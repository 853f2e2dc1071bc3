"""A message read by a language model where the offline reader is not sure, checked, or not taken.

What it is shown of the conversation is data; what it proposes goes through `agent.questions.check_reading`.
Where both readers have a reading and they differ, the language model's is taken only if it is trusted: a
small one reads worse than the phrases and must not spoil them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from agent.core import (
    Completion,
    ConceptsClaim,
    Messages,
    every_claim,
    find_json_object,
    frame_data,
    render_prompt,
)
from agent.questions import Intent, Known, Misread, Question, check_reading, is_aside, reading_shape

LONG = 600  # characters of a text that is shown
SHOWN = 40  # names of a conversation that are shown
Ask = Callable[[Messages, dict[str, Any]], Completion | None]  # None: no more is to be expected
EXAMPLE_TALK = {"text": "Chile, whose capital is", "answer": " Santiago", "groups": ["S4: say Santiago"]}
OPEN = frozenset({Intent.UNKNOWN, Intent.HELP, Intent.FOREIGN})


class Reading(NamedTuple):
    """What a message is taken to ask, and why the language model's reading was not taken (empty: it was)."""

    question: Question
    refused: str = ""


def read_message(
    message: str, state: Mapping[str, Any], found: Question, ask: Ask, trusted: Callable[[], bool]
) -> Reading:
    """The better of both readings; `trusted` says whether the language model's wins where they differ."""
    turn = ask(reading_request(message, state), reading_shape())
    if turn is None:
        return Reading(found)
    try:
        proposed = read_proposal(turn, message, know(state))
    except Misread as exc:
        return Reading(found, str(exc))
    return Reading(choose(found, proposed, trusted))


def reading_request(message: str, state: Mapping[str, Any]) -> Messages:
    """What the language model is sent: how to read, and the message with what the talk is about as data."""
    out: Messages = [{"role": "system", "content": render_prompt("brain-read")}]
    for example in render_prompt("brain-read-examples").splitlines():
        told, _, read = example.partition(" => ")
        shown = frame_data({"talk": EXAMPLE_TALK, "message": told})
        out += [{"role": "user", "content": shown}, {"role": "assistant", "content": read}]
    asked = frame_data({"talk": _summarise(state), "message": message})
    return [*out, {"role": "user", "content": asked}]


def read_proposal(turn: Completion, message: str, known: Known) -> Question:
    """The question in a reply; raises Misread where there is none, or none that holds."""
    if turn.cut or turn.refusal:
        raise Misread(turn.cut or "it declines")
    given = find_json_object(turn.calls[0][1] if turn.calls else turn.content)
    if given is None:
        raise Misread("it only thinks and says nothing" if turn.only_thinks else "it is no JSON object")
    return check_reading(given, message, known)


def choose(found: Question, proposed: Question, trusted: Callable[[], bool]) -> Question:
    """The reading that is taken, with the language that the message is in."""
    spoken = proposed.language
    if found.intent in OPEN:
        kept = found.intent is Intent.UNKNOWN and (
            proposed.intent in OPEN or (is_aside(found.raw) and not trusted())
        )
        if found.either and proposed.intent not in {one.intent for one in found.either} and not trusted():
            return replace(found, language=spoken)
        alone = bool(proposed.then) and not trusted()  # small ones add requests that nobody made
        return replace(found, language=spoken) if kept else replace(proposed, then=()) if alone else proposed
    if _same(found, proposed) or not trusted():
        return replace(found, language=spoken)
    return proposed


def know(state: Mapping[str, Any]) -> Known:
    """What a conversation holds that a message may speak of."""
    case = state.get("case")
    if case is None:
        return Known()
    earlier = tuple(one["case"]["text"] for one in state.get("earlier") or [])
    names = {case["answer"], case["foil"], *case["tokens"], *(one["token"] for one in case["predictions"])}
    for group in state.get("groups") or []:
        names |= {group["id"], group["name"], *group["raises"], *group["lowers"]}
    names |= {claim["id"] for claim in state.get("claims") or []} | set(_concepts(state))
    return Known((case["text"], *earlier), frozenset(name.strip().casefold() for name in names), talks=True)


def _summarise(state: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is talked about, in brief; None before anything is."""
    case = state.get("case")
    if case is None:
        return None
    return {
        "text": case["text"][-LONG:],
        "answer": case["answer"],
        "instead_of": case["foil"],
        "groups": [f"{g['id']}: {g['name']}" for g in (state.get("groups") or [])[:SHOWN]],
        "concepts": _concepts(state)[:SHOWN],
        "earlier_texts": [one["case"]["text"][-LONG:] for one in state.get("earlier") or []],
    }


def _concepts(state: Mapping[str, Any]) -> list[str]:
    """The names of the concepts that were read on the text."""
    claims = every_claim(state, ConceptsClaim) if state.get("claims") else []  # type: ignore[arg-type]
    return list(dict.fromkeys(one.name for claim in claims for one in claim.concepts))


def _same(one: Question, other: Question) -> bool:
    """Whether two readings would be answered alike."""
    slots = ("intent", "text", "said", "foil", "group", "factor", "other", "layer")
    return len(one.then) == len(other.then) and all(
        _plain(getattr(one, name)) == _plain(getattr(other, name)) for name in slots
    )


def _plain(value: Any) -> Any:
    return value.strip().casefold() if isinstance(value, str) else value
