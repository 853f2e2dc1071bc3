"""What a question asks about by name: what it leaves open, the groups it means, what tests say of them."""

from typing import Any

from agent.ledger import Sentence
from agent.questions import Intent, Question
from agent.sentences import called, case_of, path_claim, subject_of, tests_of
from agent.state import State, Supernode
from agent.tricks import HELD
from agent.words import listed, quoted, signed

WANTED = {  # the slot without which a question cannot be answered, and what is then asked back
    Intent.MAKE: ("foil", "Make it say what? Name the word, for example: What would make it say Houston?"),
    Intent.WHY_NOT: ("foil", "Why not what? Name the word, for example: Why not Houston?"),
    Intent.COMPARE: (
        "other",
        "Compare with which text? Give it in quotes: Compare with “Ohio, whose capital is”",
    ),
    Intent.SWAP: ("other", "Swap what for what? Name both, for example: Swap Texas for Colorado"),
    Intent.USES: ("group", "Is it using what? Name a word or a group: Does it use the word Texas?"),
}
TOLD = 3  # groups that are told of


def lacking(question: Question, focus: dict[str, str] | None) -> str:
    """What to ask back where the question leaves open what it is about; empty where it does not."""
    if question.intent not in WANTED:
        return ""
    slot, back = WANTED[question.intent]
    pinned = slot == "group" and focus
    unnamed = question.intent is Intent.SWAP and not (question.group or focus)
    return back if unnamed or not (getattr(question, slot) or pinned) else ""


def meant(state: State) -> list[Supernode]:
    """The groups that a name means: by id, by a word of their names, or by the word they sit at."""
    wanted = str(state["question"].get("group") or (state["focus"] or {}).get("id") or "").strip().casefold()
    groups, tokens = state.get("groups") or [], case_of(state)["tokens"]
    if not wanted:
        return []
    exact = [g for g in groups if wanted in (g["id"].casefold(), g["name"].casefold())]
    place = [g for g in groups if tokens[g["position"]].strip().casefold() == wanted]
    named = [g for g in groups if wanted in _words(g["name"])]
    return exact or [*place, *(g for g in named if g not in place)]


def _words(name: str) -> list[str]:
    return [word.strip("“”,. ").casefold() for word in name.split()]


def about_asked(state: State) -> list[Sentence]:
    """Whether what was asked about is used: what its groups' tests say, or that there is no such group."""
    question, path = state["question"], path_claim(state)
    if question["intent"] != Intent.USES or path is None or not (name := question.get("group")):
        return []
    groups = meant(state)
    if not groups:
        return [
            Sentence(
                f"No group of this graph is called {quoted(name)} or sits at such a word: nothing here says "
                "that the model uses it. The tests are of the groups that there are.",
                (path["id"],),
            )
        ]
    ids = {g["id"] for g in groups}
    tests = [c for c in tests_of(state) if c["supernode"] in ids]
    tests.sort(key=lambda c: (c["verdict"] not in HELD, -abs(c["measured"] or 0.0), c["id"]))
    if not tests:
        which = listed([f"{g['id']} ({g['name']})" for g in groups[:TOLD]])
        note = f"What belongs to {quoted(name)} is {which}; it was not tested, so its effect is not known."
        return [Sentence(note, (path["id"],))]
    return _told(name, tests[:TOLD], state)


def _told(name: str, tests: list[Any], state: State) -> list[Sentence]:
    case = case_of(state)
    held = [c for c in tests if c["verdict"] in HELD]
    first = [c for c in held if (c["measured"] or 0.0) < 0]
    lead = (
        f"Yes: what is read at {quoted(name)} works for {quoted(case['answer'])}."
        if first
        else f"It has an effect, but against {quoted(case['answer'])}, not for it."
        if held
        else f"The tests do not bear out that {quoted(name)} is used."
    )
    rows = [
        f"Without {called(subject_of(c, state), case)} the lead over {quoted(case['foil'])} changes by "
        f"{signed(c['measured'] or 0.0)}: {c['verdict']}."
        for c in tests
    ]
    out = [Sentence(lead, tuple(c["id"] for c in (first or held or tests)))]
    return [*out, *(Sentence(row, (c["id"],)) for row, c in zip(rows, tests, strict=True))]
