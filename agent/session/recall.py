"""The texts that a conversation was about before, and the way back to one. Runs nothing."""

import re
from typing import Any, cast

from agent.answers import add_earlier_verdicts
from agent.core import State, escape_md, join_words, quote_token
from agent.questions import Question

KEPT = ("case", "graph", "concepts", "groups", "flows", "drawing", "claims", "features", "report")
MOST = 8  # earlier texts that are kept
_ORDINALS = ["first original starting", "second", "third", "fourth", "fifth"]
ORDINALS = {word: n for n, words in enumerate(_ORDINALS) for word in words.split()}
LITERAL = re.compile(r"\b(?:undo|revert|roll|restore|reset|put|set|bring|the way it was|how it was)\b", re.I)
SHOWN = 60  # characters of a text that are said


def shelve(old: State, new: State) -> list[dict[str, Any]]:
    """The earlier texts, with the last one where the conversation has gone on to another."""
    earlier: list[dict[str, Any]] = list(old.get("earlier") or [])
    was, now = old.get("case"), new.get("case")
    if was is None or now is None or _key(was) == _key(now):
        return earlier
    kept = [one for one in earlier if _key(one["case"]) not in (_key(was), _key(now))]
    left = {name: value for name, value in old.items() if name in KEPT}
    return [*kept, {**left, "turn": new.get("turn", 0)}][-MOST:]


def mark_earlier(drawing: dict[str, Any], talk: State) -> dict[str, Any]:
    """A drawing with the verdicts that a conversation has on its text beside other tokens."""
    return add_earlier_verdicts(drawing, [*cast(list[State], talk.get("earlier") or []), talk])


def go_back(old: State, question: Question) -> tuple[State, str]:
    """The state to stand at from now on, and what is said of it, in Markdown."""
    case, earlier = old.get("case"), list(old.get("earlier") or [])
    if case is None:
        return old, "There is nothing to go back to yet."
    at = _find(old, question, earlier)
    if isinstance(at, str):
        return old, escape_md(at)
    found = earlier.pop(at)
    left = {name: value for name, value in old.items() if name in KEPT}
    state = {**old, **{name: found.get(name) for name in KEPT}, "earlier": [*earlier, {**left, "turn": 0}]}
    state["claims"], state["features"] = found.get("claims") or [], found.get("features") or []
    if found.get("drawing"):
        state["drawing"] = mark_earlier(found["drawing"], cast(State, {**left, "earlier": earlier}))
    known = len(found.get("claims") or [])
    answer = quote_token(found["case"]["answer"].strip())
    said = f"We are back at “{_short(found['case']['text'])}” → {answer}, with "
    said += f"all {known} findings about it. “{_short(case['text'])}” is kept: “go back” returns to it."
    return cast(State, state), escape_md(said)


def name_talk(state: State) -> str:
    """How a conversation is called in a list: its text and the answer, and how many texts came before."""
    if (case := state.get("case")) is None:
        return ""
    before = len({one["case"]["text"] for one in state.get("earlier") or []} - {case["text"]})
    others = f" (and {before} more)" if before else ""
    text = " ".join(case["text"].split())
    shown = text if len(text) <= SHOWN else f"…{text[-SHOWN:]}"
    return f"“{shown}” → {case['answer'].strip() or repr(case['answer'])}{others}"


def _find(old: State, question: Question, earlier: list[dict[str, Any]]) -> int | str:
    """Which earlier text is meant, or what is to be said instead."""
    case, wanted = old["case"], (question.other or "").casefold().strip(" .!")
    assert case is not None
    now = f"“{_short(case['text'])}” → {quote_token(case['answer'].strip())}"
    last = earlier[-1] if earlier else None
    lasting = last is not None and last.get("turn") == old.get("turn")
    if not wanted or wanted in ("that", "it", "before", "start"):
        if last is None or (LITERAL.search(question.raw) and not lasting):
            back = "" if last is None else f" “Go back” returns to “{_short(last['case']['text'])}”."
            why = "a test changes the model only while it runs"
            return f"Nothing is to be undone: {why}, and {now} stands as it was, with every finding.{back}"
        return len(earlier) - 1
    texts = [_plain(one["case"]["text"]) for one in earlier]
    word = re.sub(
        r"^(?:the|that|my|our|to) | (?:one|text|sentence|question|example|prompt|case)$", "", wanted
    )
    if word in ORDINALS:
        return _by_number(ORDINALS[word], old, earlier, now)
    if word in ("last", "previous", "earlier", "old", "other") and earlier:
        return len(earlier) - 1
    named = [at for at, text in enumerate(texts) if word and word in text]
    if named:
        return named[-1]
    if word in _plain(case["text"]):
        return f"We are at {now} already; nothing has changed."
    known = join_words([f"“{_short(one['case']['text'])}”" for one in earlier]) or "none"
    return f"No earlier text holds “{_short(question.other or '')}”. We are at {now}; earlier texts: {known}."


def _by_number(number: int, old: State, earlier: list[dict[str, Any]], now: str) -> int | str:
    """The text that came first, second …, in the order in which they were asked about."""
    begun = [(_begun(one), at) for at, one in enumerate(earlier)] + [(_begun(dict(old)), -1)]
    if number >= len(begun):
        return f"There are only {len(begun)} texts so far. We are at {now}."
    at = sorted(begun)[number][1]
    return at if at >= 0 else f"That is the one we are at: {now}."


def _begun(state: dict[str, Any]) -> int:
    """The turn in which a text was first asked about."""
    return min((claim["turn"] for claim in state.get("claims") or []), default=0)


def _key(case: Any) -> tuple[Any, ...]:
    return case["text"], case["answer_id"], case["foil_id"]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
