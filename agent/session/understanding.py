"""A message read where it stands, with the words of the conversation, and how its reading is shown."""

from dataclasses import asdict, replace
from typing import Any

from agent.core import LONGEST_TEXT, Case, Planner, QuestionError, State, find_break_signs
from agent.planners import LANGUAGES, LLMPlanner
from agent.questions import Intent, Question, is_sure, offer, parse_question, read_back

LONGEST_MESSAGE = LONGEST_TEXT + 2000  # a text and what is asked about it
TRACE_IT, WITH_BREAKS = "Trace it as a text", "With line breaks"
NAMES = {  # how what was asked is called where it is shown
    **{Intent.WHY: "why", Intent.WHY_NOT: "why not", Intent.MAKE: "make it say", Intent.USES: "is it used"},
    **{
        Intent.NODE: "what is it",
        Intent.INTERVENE: "remove or scale",
        Intent.SWAP: "swap",
        Intent.PATH: "path",
    },
    **{
        Intent.WORDS: "which words",
        Intent.COMPARE: "compare",
        Intent.HOLDS: "other texts",
        Intent.TEXT: "text",
    },
    **{
        Intent.MISTAKE: "mistake",
        Intent.SURE: "how sure",
        Intent.EVIDENCE: "evidence",
        Intent.LAYER: "layer",
    },
    **{
        Intent.STEER: "what to test",
        Intent.CONCEPTS: "in mind",
        Intent.LENGTH: "how it is told",
        Intent.SEARCH: "search",
    },
}


def understand(
    message: str,
    old: State,
    given: dict[str, str | None],
    focus: dict[str, str] | None,
    planner: Planner | None = None,
) -> Question:
    """What a message asks for in this conversation; the language model reads where the reader is not sure."""
    found = _read_offline(message, old, given, focus)
    if not isinstance(planner, LLMPlanner) or any(given.values()):
        return found
    if found.intent is Intent.LENGTH and (wanted := (found.other or "").casefold()) in LANGUAGES:
        return replace(found, other="simply", language=wanted)
    return found if _is_clear(message, old, found) else planner.read(message, old, found)


def name_reader(
    message: str,
    old: State,
    given: dict[str, str | None],
    focus: dict[str, str] | None,
    planner: Planner | None = None,
) -> str:
    """The language model that is to read a message; empty where the reader is sure of it."""
    if not isinstance(planner, LLMPlanner) or any(given.values()):
        return ""
    found = _read_offline(message, old, given, focus)
    told = found.intent is Intent.LENGTH and (found.other or "").casefold() in LANGUAGES
    return "" if told or _is_clear(message, old, found) else planner.model


def _read_offline(
    message: str, old: State, given: dict[str, str | None], focus: dict[str, str] | None
) -> Question:
    if len(message) > LONGEST_MESSAGE:
        raise QuestionError(
            f"The message has {len(message):,} characters; at most {LONGEST_MESSAGE:,} are read. Shorten it: "
            "a text's last part is what decides how it goes on."
        )
    has_text, known = bool(old.get("graph") or old.get("case")), known_words(old)
    before = old.get("question")
    return parse_question(message, **given, has_graph=has_text, focus=focus, known=known, before=before)


def _is_clear(message: str, old: State, found: Question) -> bool:
    """Whether the offline reader is hardly ever wrong about such a message."""
    talks = bool(old.get("graph") or old.get("case"))
    return is_sure(message, found, talks=talks, known=known_words(old), before=old.get("question"))


def known_words(state: State) -> frozenset[str]:
    """The words that the text, the likely answers and the groups of a conversation are made of."""
    case = state.get("case")
    if case is None:
        return frozenset()
    pieces = [case["answer"], case["foil"], *case["tokens"], *(one["token"] for one in case["predictions"])]
    pieces += [group["name"] for group in state.get("groups") or []]
    words = {word.strip("“”\"'.,:;!?") for piece in pieces for word in piece.split()}
    return frozenset(word for word in words if len(word) > 2 and word[:1].isupper())


def kept_question(question: Question) -> dict[str, Any]:
    """A question as the state keeps it: without what follows it."""
    return asdict(replace(question, then=()))


def _layers(question: Question) -> str | None:
    if question.layer is None:
        return None
    return str(question.layer) if question.up_to is None else f"{question.layer} to {question.up_to}"


def show_reading(question: Question, case: Case | None) -> tuple[tuple[str, str], ...]:
    """What a message was read as: name and value of each slot that is filled; empty where nothing is."""
    if question.intent not in NAMES:
        return ()
    rows = [("text", question.text), ("token", question.said), ("instead of", question.foil)]
    rows += [("about", question.group), ("layer", _layers(question))]
    rows += [("with", question.other), ("looked at", question.part.told() if question.part else None)]
    filled = [(name, value) for name, value in rows if value]
    if question.intent is Intent.MAKE:
        filled = [("to say" if name == "instead of" else name, value) for name, value in filled]
    if question.text is None and case is not None and question.intent is not Intent.SEARCH:
        filled.append(("of", case["text"]))
    return (("asked", NAMES[question.intent]), *filled)


def list_choices(question: dict[str, Any] | None) -> list[str]:
    """What can be said to a message that can be read in two ways.

    One that was not understood: as a text, or as a request. One that asks for one of two things: both.
    A text with backslash-n: with line breaks.
    """
    if question and question.get("either"):
        both = [str(offer(read_back(one))) for one in question["either"]]
        return [*both, *([TRACE_IT] if question.get("maybe") else [])]
    if question and not question.get("maybe") and find_break_signs(str(question.get("text") or "")):
        return [WITH_BREAKS]
    if not question or not question.get("maybe"):
        return []
    return [TRACE_IT, *([str(question["guess"])] if question.get("guess") else [])]
