"""What a question asks about by name: what it leaves open, the groups it means, what tests say of them."""

import re
from collections.abc import Iterable
from typing import Any

from agent.core import (
    MAX_FACTOR,
    Case,
    EffectClaim,
    State,
    Supernode,
    case_of,
    find_groups_at,
    find_meant_groups,
    find_word_positions,
    groups_of,
    join_words,
    path_claim,
    prediction_of,
    quote_token,
    removals_of,
    show_change,
    tests_of,
)
from agent.evidence import HOLDING_VERDICTS, Sentence
from agent.experiments import find_expected_token, list_variants, parse_entities
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


def ask_back(question: Question, focus: dict[str, str] | None, case: Case | None) -> str:
    """What to ask back where the question leaves open what it is about; empty where it does not."""
    if _BARE.fullmatch(question.raw) and case is not None:
        next_best = quote_token(case["predictions"][1]["token"])
        return (
            f"Why not what? After {quote_token(case['answer'])} the most probable is "
            f"{next_best}: ask why not "
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


def is_already_said(state: State) -> bool:
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
    if factor is not None and not -MAX_FACTOR <= factor <= MAX_FACTOR:
        return f"A factor may be from −{MAX_FACTOR} to {MAX_FACTOR}, not {factor:g}."
    return ""


def find_right_token(text: str, case: Case | None) -> tuple[str | None, str]:
    """What a question about a mistake takes for right where it does not say, and where that is from."""
    known = find_expected_token(text)
    return (known, "table") if known else (case["foil"] if case else None, "runner-up")


def find_assumed_right(state: State) -> list[Sentence]:
    """What a question about a mistake is compared with, where it does not say what would be right."""
    assumed = state["question"].get("assumed")
    if not assumed:
        return []
    case, claim = case_of(state), prediction_of(state)
    known = f"A small built-in table has {quote_token(str(state['question']['foil']))} as right"
    if assumed == "table":
        text = (
            f"{known}: by it there is no mistake here."
            if is_already_said(state)
            else f"{known}; you did not say."
        )
    else:
        text = (
            f"You did not say what would be right: {quote_token(case['foil'])} is taken "
            "for it. Say another, for "
            "example “the right answer is Springfield”."
        )
    return [Sentence(text, (claim.id,))]


def resolve_groups(state: State) -> list[Supernode]:
    """The groups that the question names or points at."""
    return find_meant_groups(str(named_in(state) or ""), state)


def named_in(state: State) -> str | None:
    """The group that the user names or points at, in the user's own words."""
    return state["question"].get("group") or (state["focus"] or {}).get("id")


def choose_transfer_kinds(question: dict[str, Any]) -> list[Any]:
    """Paraphrases, other entities, or both, as the question has it."""
    words = f"{question['raw']} ".casefold()
    if parse_entities(question.get("other")):
        return ["entities"]
    if any(
        stem in words for stem in ("paraphras", "wording", "reword", "rephras", "phrased", "in other words")
    ):
        return ["paraphrases"]
    return ["paraphrases", "entities"]


def choose_carrier(state: State) -> str:
    """The group that is carried to other texts: the named one, or one for the answer at a word that changes.

    Where none is foreseen to matter there, or none did when tested, the strongest of all.
    """
    question, groups = state["question"], groups_of(state)
    if question["group"]:
        return str(question["group"])
    changed: set[str] = set()
    if "entities" in choose_transfer_kinds(question):
        texts = list_variants("entities", case_of(state)["text"], question["other"])
        changed = {own for text in texts for own, _ in text.changed}
    pro = [g for g in groups if g["sign"] > 0] or groups[:1]
    least, at_changed = MATTERS * abs(pro[0]["effect"]), select_reading_groups(changed, state)
    there = [g for g in pro if g["id"] in at_changed and abs(g["effect"]) >= least]
    return _strongest(there, state) or _strongest(pro, state) or pro[0]["id"]


def _strongest(groups: list[Supernode], state: State) -> str | None:
    """Of these, the one whose removal cost the answer most; where none was tested, the graph's first."""
    ids = {g["id"] for g in groups}
    tests = [c for c in removals_of(state) if c.name in ids]
    held = [c for c in tests if c.verdict in HOLDING_VERDICTS and c.effect < 0]
    if held:
        return min(held, key=lambda c: (c.effect, c.id)).name
    tried = {c.name for c in tests}
    return next((g["id"] for g in groups if g["id"] not in tried), None)


def select_reading_groups(words: Iterable[str], state: State) -> set[str]:
    """Ids of the groups at these words that do not say a next token."""
    found = [group for word in words for group in find_groups_at_word(word, state)]
    return {group["id"] for group in found if group["kind"] != "say"}


def find_groups_at_word(name: str, state: State) -> list[Supernode]:
    """The groups that sit at a word of the text, or at a piece of it."""
    case = case_of(state)
    return find_groups_at(name, groups_of(state), case["tokens"], case["bos"])


def write_asked_use(state: State) -> list[Sentence]:
    """Whether what was asked about is used: what its groups' tests say, or that there is no such group."""
    question, path = state["question"], path_claim(state)
    if question["intent"] != Intent.USES or path is None or not (name := question.get("group")):
        return []
    groups = resolve_groups(state)
    if not groups:
        text = f"{_nothing_called(name, state)} The tests are of the groups that there are."
        return [Sentence(text, (path.id,))]
    ids = {g["id"] for g in groups}
    tests = [c for c in tests_of(state) if c.groups and ids.issuperset(c.groups)]
    tests.sort(key=lambda c: (len(c.groups) < 2, c.verdict not in HOLDING_VERDICTS, c.id))
    left = [g for g in groups if g["id"] not in {c.name for c in tests}]
    out = _write_use(name, tests, state) if tests else []
    if left:
        which = join_words([f"{g['id']} ({g['name']})" for g in left[:TOLD]])
        what = f"What {'also ' if tests else ''}belongs to {quote_token(name)} is {which}"
        out.append(Sentence(f"{what}: not tested, so its effect is not known.", (path.id,)))
    last = len(case_of(state)["tokens"]) - 1
    if any(g["position"] == last for g in find_groups_at_word(name, state)):
        out.append(
            Sentence(
                f"{quote_token(name)} ends the text: what is gathered from all words is "
                "found there too, so this "
                "does not single out that word.",
                (path.id,),
            )
        )
    return out


def _nothing_called(name: str, state: State) -> str:
    """That a name means no group: whether it is a word of the text at all."""
    if find_word_positions(case_of(state)["tokens"], name):
        return (
            f"{quote_token(name)} is in the text, but no group of this graph sits there or is called so: the "
            "graph shows no use of it that could be tested as a group."
        )
    return (
        f"The text does not contain {quote_token(name)}, and no group of this graph is "
        "called so: nothing here "
        "says that the model uses it."
    )


def _write_use(name: str, tests: list[EffectClaim], state: State) -> list[Sentence]:
    """Whether it is used: for, against, both, or not borne out; and each test, all together first."""
    case = case_of(state)
    held = [c for c in tests if c.verdict in HOLDING_VERDICTS]
    ways = {c.effect < 0 for c in held}  # True: for the answer
    whole = next((c for c in held if len(c.groups) > 1), None)
    there = {g["id"] for g in find_groups_at_word(name, state)}
    read = any(there.issuperset(c.groups) for c in tests)
    what = f"what is found at {quote_token(name)}" if read else f"what is called {quote_token(name)}"
    answer, foil = quote_token(case["answer"]), quote_token(case["foil"])
    if not held:
        lead = f"The tests do not bear out that {quote_token(name)} is used"
    elif whole is None and len(ways) > 1:
        lead = f"Yes, in both directions: some of {what} works for {answer}, some for {foil}"
    else:
        towards = (whole or held[0]).effect < 0
        lead = f"Yes: {what} works for {answer}" if towards else f"Yes, but {what} works for {foil}"
    rows = [
        f"without {_short(c)} the lead over {foil} changes by {show_change(c.effect)} ({c.verdict})"
        for c in tests[:1]
    ]
    rows += [f"without {_short(c)} by {show_change(c.effect)} ({c.verdict})" for c in tests[1:]]
    return [Sentence(f"{lead}: {join_words(rows)}.", tuple(c.id for c in tests))]


def _short(claim: EffectClaim) -> str:
    """What a test removed, by id: the names stand with the tests."""
    return join_words(claim.groups) + (" together" if len(claim.groups) > 1 else "")
