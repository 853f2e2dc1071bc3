"""How the model does it: each kind of mechanism is tried on the text, and named only where its test holds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.core import Case, Concept, MechanismClaim, State, percent, quote_token, quote_token_at
from agent.evidence import new_claim
from agent.workspace import Workspace
from tracer import (
    Frozen,
    Lens,
    is_content,
    try_agreement,
    try_copying,
    try_default,
    try_rival,
    try_sequence,
    try_slot,
)


class _Found(NamedTuple):
    """A mechanism whose test holds: its name, its sentence, and the numbers in it."""

    mechanism: str
    says: str
    shown: list[float]


def mechanisms_of(
    workspace: Workspace,
    lens: Lens,
    case: Case,
    alternatives: Sequence[Any],
    way: Sequence[Concept],
    state: State,
    made: Sequence[Any],
) -> list[MechanismClaim]:
    """A claim for each mechanism whose test holds; copying and lists leave nothing to look up."""
    frozen = workspace.study(case["text"]).frozen
    start = way[0].position if way else None
    found = (
        _copied(workspace, frozen, case)
        or _listed(workspace, frozen, case)
        or _agreed(workspace, frozen, case)
    )
    if found is None and start is not None:
        found = _same_anyway(workspace, frozen, case, start) or _of_a_kind(workspace, frozen, case, start)
    rival = _outdone(workspace, frozen, lens, case, alternatives)
    out: list[MechanismClaim] = []
    for one in filter(None, (found, rival)):
        out.append(
            new_claim(
                [*state.get("claims", []), *made, *out],
                state["turn"],
                MechanismClaim,
                text=one.says,
                mechanism=one.mechanism,
                holds=True,
                says=one.says,
                shown=one.shown,
                verdict="observed",
            )
        )
    return out


def _copied(workspace: Workspace, frozen: Frozen, case: Case) -> _Found | None:
    test = try_copying(frozen, workspace.words, case["answer_id"])
    if not test.holds:
        return None
    said, there = _word(case["answer"]), quote_token_at(case["tokens"], test.positions[-1])
    text = f"It copies {said} from earlier in the text: with other words put there, it says those instead"
    text += f" ({percent(test.followed)} of them; it stands at {there})."
    return _Found("copying", text, [test.followed])


def _listed(workspace: Workspace, frozen: Frozen, case: Case) -> _Found | None:
    test = try_sequence(frozen, case["answer_id"])
    if not test.holds or test.then is None or not is_content(case["answer"]):
        return None
    then, items = workspace.subject.token_texts([test.then])[0], len(test.items)
    text = f"It goes on with a list of {items}: with each item replaced by the one after it, the last by"
    return _Found("successor", f"{text} {_word(case['answer'])}, it says {_word(then)}.", [items])


def _agreed(workspace: Workspace, frozen: Frozen, case: Case) -> _Found | None:
    test = try_agreement(frozen, case["answer_id"], workspace.words)
    if not test.holds or test.position is None or test.instead is None or test.becomes is None:
        return None
    instead, becomes = workspace.subject.token_texts([test.instead, test.becomes])
    there = _word(case["tokens"][test.position])
    text = f"{_word(case['answer'])} agrees with {there}: with {_word(instead)} in its place it says"
    text += f" {_word(becomes)}"
    return _Found("agreement", f"{text}.", [])


def _same_anyway(workspace: Workspace, frozen: Frozen, case: Case, start: int) -> _Found | None:
    test = try_default(frozen, workspace.words, case["answer_id"], start)
    if not test.holds:
        return None
    there = _word(case["tokens"][start])
    text = f"{_word(case['answer'])} is what it says anyway: with unrelated words in the place of {there}"
    return _Found("default", f"{text} it says the same ({percent(test.same)} of them).", [test.same])


def _of_a_kind(workspace: Workspace, frozen: Frozen, case: Case, start: int) -> _Found | None:
    test = try_slot(frozen, workspace.words, case["answer_id"], start)
    if not test.holds:
        return None
    there = _word(case["tokens"][start])
    text = f"The rest of the text asks for a word of this kind: with unrelated words in the place of {there}"
    return _Found("slot", f"{text} it still says one ({percent(test.kept)} of them).", [test.kept])


def _outdone(
    workspace: Workspace, frozen: Frozen, lens: Lens, case: Case, alternatives: Sequence[Any]
) -> _Found | None:
    test = try_rival(frozen, lens, case["answer_id"], alternatives)
    if not test.holds or test.rival is None or test.layer is None:
        return None
    rival = _word(workspace.subject.token_texts([test.rival])[0])
    text = f"Up to layer {test.layer} {rival} is ahead of {_word(case['answer'])} at the last word, and later"
    text += f" layers take it back: kept as it is there, it says {rival}."
    return _Found("rival", text, [test.layer])


def _word(token: str) -> str:
    return quote_token(token.strip() or token)
