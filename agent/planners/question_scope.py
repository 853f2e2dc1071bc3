"""What a question asks about by name: what it leaves open, the groups it means, what tests say of them."""

import re
from collections.abc import Iterable
from typing import Any

from agent.core import (
    MOST_TIMES,
    Case,
    EffectClaim,
    State,
    Supernode,
    case_of,
    groups_at,
    groups_of,
    listed,
    meant_groups,
    named_at,
    path_claim,
    prediction_of,
    quoted,
    removals_of,
    signed,
    tests_of,
)
from agent.evidence import HELD, Sentence
from agent.experiments import expected, named_entities, texts_over
from agent.planners.thresholds import MATTERS
from agent.questions import Intent, Question

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
_BARE = re.compile(r"\W*(?:and )?why not\W*", re.IGNORECASE)
TOLD = 3  # groups that are told of


def lacking(question: Question, focus: dict[str, str] | None, case: Case | None) -> str:
    """What to ask back where the question leaves open what it is about; empty where it does not."""
    if _BARE.fullmatch(question.raw) and case is not None:
        next_best = quoted(case["predictions"][1]["token"])
        return (
            f"Why not what? After {quoted(case['answer'])} the most probable is {next_best}: ask why not "
            f"{next_best}, or name another word."
        )
    if question.intent is Intent.INTERVENE:
        return _no_change(question.factor)
    if question.intent not in WANTED:
        return ""
    slot, back = WANTED[question.intent]
    pinned = slot == "group" and focus
    unnamed = question.intent is Intent.SWAP and not (question.group or focus)
    return back if unnamed or not (getattr(question, slot) or pinned) else ""


def is_said(state: State) -> bool:
    """Whether the wanted token is what the model says already; names may be typed without capitals."""
    case, wanted = state.get("case"), (state["question"]["foil"] or "").strip()
    if case is None or not wanted:
        return False
    said = case["answer"].strip()
    return wanted == said or (wanted.casefold() == said.casefold() and case["premise"] == "false")


def _no_change(factor: float | None) -> str:
    """Why a factor cannot be tested; empty where it can."""
    if factor == 1:
        return "Multiplying by 1 changes nothing. Name another factor, for example: Double S1, or Remove S1."
    if factor is not None and not -MOST_TIMES <= factor <= MOST_TIMES:
        return f"A factor may be from −{MOST_TIMES} to {MOST_TIMES}, not {factor:g}."
    return ""


def right_one(text: str, case: Case | None) -> tuple[str | None, str]:
    """What a question about a mistake takes for right where it does not say, and where that is from."""
    known = expected(text)
    return (known, "table") if known else (case["foil"] if case else None, "runner-up")


def taken_for_right(state: State) -> list[Sentence]:
    """What a question about a mistake is compared with, where it does not say what would be right."""
    assumed = state["question"].get("assumed")
    if not assumed:
        return []
    case, claim = case_of(state), prediction_of(state)
    known = f"A small built-in table has {quoted(str(state['question']['foil']))} as right"
    if assumed == "table":
        text = f"{known}: by it there is no mistake here." if is_said(state) else f"{known}; you did not say."
    else:
        text = (
            f"You did not say what would be right: {quoted(case['foil'])} is taken for it. Say another, for "
            "example “the right answer is Springfield”."
        )
    return [Sentence(text, (claim.id,))]


def meant(state: State) -> list[Supernode]:
    """The groups that the question names or points at."""
    return meant_groups(str(named_in(state) or ""), state)


def named_in(state: State) -> str | None:
    """The group that the user names or points at, in the user's own words."""
    return state["question"].get("group") or (state["focus"] or {}).get("id")


def asked_over(question: dict[str, Any]) -> list[Any]:
    """Paraphrases, other entities, or both, as the question has it."""
    words = f"{question['raw']} ".casefold()
    if named_entities(question.get("other")):
        return ["entities"]
    if any(
        stem in words for stem in ("paraphras", "wording", "reword", "rephras", "phrased", "in other words")
    ):
        return ["paraphrases"]
    return ["paraphrases", "entities"]


def carrier(state: State) -> str:
    """The group that is carried to other texts: the named one, or one for the answer at a word that changes.

    Where none is foreseen to matter there, or none did when tested, the strongest of all.
    """
    question, groups = state["question"], groups_of(state)
    if question["group"]:
        return str(question["group"])
    changed: set[str] = set()
    if "entities" in asked_over(question):
        texts = texts_over("entities", case_of(state)["text"], question["other"])
        changed = {own for text in texts for own, _ in text.changed}
    pro = [g for g in groups if g["sign"] > 0] or groups[:1]
    least, at_changed = MATTERS * abs(pro[0]["effect"]), reading(changed, state)
    there = [g for g in pro if g["id"] in at_changed and abs(g["effect"]) >= least]
    return _strongest(there, state) or _strongest(pro, state) or pro[0]["id"]


def _strongest(groups: list[Supernode], state: State) -> str | None:
    """Of these, the one whose removal cost the answer most; where none was tested, the graph's first."""
    ids = {g["id"] for g in groups}
    tests = [c for c in removals_of(state) if c.name in ids]
    held = [c for c in tests if c.verdict in HELD and c.effect < 0]
    if held:
        return min(held, key=lambda c: (c.effect, c.id)).name
    tried = {c.name for c in tests}
    return next((g["id"] for g in groups if g["id"] not in tried), None)


def reading(words: Iterable[str], state: State) -> set[str]:
    """Ids of the groups at these words that do not say a next token."""
    found = [group for word in words for group in at_word(word, state)]
    return {group["id"] for group in found if group["kind"] != "say"}


def at_word(name: str, state: State) -> list[Supernode]:
    """The groups that sit at a word of the text, or at a piece of it."""
    case = case_of(state)
    return groups_at(name, groups_of(state), case["tokens"], case["bos"])


def about_asked(state: State) -> list[Sentence]:
    """Whether what was asked about is used: what its groups' tests say, or that there is no such group."""
    question, path = state["question"], path_claim(state)
    if question["intent"] != Intent.USES or path is None or not (name := question.get("group")):
        return []
    groups = meant(state)
    if not groups:
        text = f"{_nothing_called(name, state)} The tests are of the groups that there are."
        return [Sentence(text, (path.id,))]
    ids = {g["id"] for g in groups}
    tests = [c for c in tests_of(state) if c.groups and ids.issuperset(c.groups)]
    tests.sort(key=lambda c: (len(c.groups) < 2, c.verdict not in HELD, c.id))
    left = [g for g in groups if g["id"] not in {c.name for c in tests}]
    out = _told(name, tests, state) if tests else []
    if left:
        which = listed([f"{g['id']} ({g['name']})" for g in left[:TOLD]])
        what = f"What {'also ' if tests else ''}belongs to {quoted(name)} is {which}"
        out.append(Sentence(f"{what}: not tested, so its effect is not known.", (path.id,)))
    last = len(case_of(state)["tokens"]) - 1
    if any(g["position"] == last for g in at_word(name, state)):
        out.append(
            Sentence(
                f"{quoted(name)} ends the text: what is gathered from all words is found there too, so this "
                "does not single out that word.",
                (path.id,),
            )
        )
    return out


def _nothing_called(name: str, state: State) -> str:
    """That a name means no group: whether it is a word of the text at all."""
    if named_at(case_of(state)["tokens"], name):
        return (
            f"{quoted(name)} is in the text, but no group of this graph sits there or is called so: the "
            "graph shows no use of it that could be tested as a group."
        )
    return (
        f"The text does not contain {quoted(name)}, and no group of this graph is called so: nothing here "
        "says that the model uses it."
    )


def _told(name: str, tests: list[EffectClaim], state: State) -> list[Sentence]:
    """Whether it is used: for, against, both, or not borne out; and each test, all together first."""
    case = case_of(state)
    held = [c for c in tests if c.verdict in HELD]
    ways = {c.effect < 0 for c in held}  # True: for the answer
    whole = next((c for c in held if len(c.groups) > 1), None)
    there = {g["id"] for g in at_word(name, state)}
    read = any(there.issuperset(c.groups) for c in tests)
    what = f"what is found at {quoted(name)}" if read else f"what is called {quoted(name)}"
    answer, foil = quoted(case["answer"]), quoted(case["foil"])
    if not held:
        lead = f"The tests do not bear out that {quoted(name)} is used"
    elif whole is None and len(ways) > 1:
        lead = f"Yes, in both directions: some of {what} works for {answer}, some for {foil}"
    else:
        towards = (whole or held[0]).effect < 0
        lead = f"Yes: {what} works for {answer}" if towards else f"Yes, but {what} works for {foil}"
    rows = [
        f"without {_short(c)} the lead over {foil} changes by {signed(c.effect)} ({c.verdict})"
        for c in tests[:1]
    ]
    rows += [f"without {_short(c)} by {signed(c.effect)} ({c.verdict})" for c in tests[1:]]
    return [Sentence(f"{lead}: {listed(rows)}.", tuple(c.id for c in tests))]


def _short(claim: EffectClaim) -> str:
    """What a test removed, by id: the names stand with the tests."""
    return listed(claim.groups) + (" together" if len(claim.groups) > 1 else "")
