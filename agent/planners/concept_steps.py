"""When concepts are read and tested: before any graph, for all that asks how an answer comes about."""

from typing import Any

from agent.core import (
    Answer,
    ConceptClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    Decision,
    ReadConcepts,
    State,
    TestConcepts,
    every_claim,
    find_word_positions,
    own_claims,
)
from agent.questions import LENGTHS, Intent

ABOUT = {Intent.WHY, Intent.WHY_NOT, Intent.TEXT, Intent.MISTAKE, Intent.USES, Intent.CONCEPTS, Intent.LAYER}
ABOUT |= {Intent.SWAP, Intent.LENGTH}
READ_OFF = {Intent.CONCEPTS, Intent.LAYER, Intent.LENGTH}  # need no graph


def next_for_concepts(state: State) -> Decision | None:
    """What is to be done about concepts now; None where that is done, and a graph is the next thing."""
    if why := concepts_missing(state):
        return Decision(action=ReadConcepts(), why=why)
    if why := untested_concepts(state):
        return Decision(action=TestConcepts(), why=why)
    if Intent(state["question"]["intent"]) in READ_OFF:
        return read_off(state)
    return next_for_swap(state) if swaps_concept(state) else None


def concepts_missing(state: State) -> str:
    """Why concepts are to be read now; empty where they were, or cannot be."""
    if state.get("concepts") is not None or not _asks(state):
        return ""
    return "see what it has in mind at each word"


def untested_concepts(state: State) -> str:
    """Why the concepts are to be tested now; empty where they were, or there are none."""
    known = state.get("concepts") or {}
    if Intent(state["question"]["intent"]) in (Intent.SWAP, Intent.LAYER, Intent.LENGTH):
        return ""
    if not known or known.get("tested") or not _asks(state):
        return ""
    if not every_claim(state, ConceptsClaim):  # no lens: the words can be exchanged all the same
        return "" if Intent(state["question"]["intent"]) in READ_OFF else "put other words into the text"
    return "take each concept out, and put others in its place"


def swaps_concept(state: State) -> bool:
    """Whether a swap is of a concept: of something that the lens reads and no word of the text says."""
    question, case = state["question"], state.get("case")
    if question["intent"] != Intent.SWAP or case is None or not question["group"] or not question["other"]:
        return False
    name = str(question["group"])
    if question.get("concept"):
        return True
    held = [claim for claim in every_claim(state, ConceptsClaim) if claim.named(name)]
    return bool(held) and not find_word_positions(case["tokens"], name)


def read_off(state: State) -> Decision:
    """What a question about concepts, layers or length needs next: a test, or the answer."""
    question = state["question"]
    intent, name = Intent(question["intent"]), question["other"]
    if intent is Intent.LENGTH:
        style: Any = LENGTHS.get(str(name).casefold(), "simply")
        return Decision(action=Answer(style=style), why="the ledger holds the answer")
    if intent is Intent.LAYER:
        return Decision(action=Answer(style="first-layer"), why="the lens has been read behind each block")
    found = [claim.named(name) for claim in every_claim(state, ConceptsClaim)] if name else []
    tested = {claim.concept.id for claim in every_claim(state, ConceptClaim)}
    wanted = next((one for one in found if one is not None), None)
    if wanted is not None and wanted.id not in tested and wanted.role == "concept":
        why = f"it reads {name}: see whether that counts"
        return Decision(action=TestConcepts(concept=name, at=question["group"]), why=why)
    return Decision(action=Answer(style="concepts"), why="the lens has been read")


def next_for_swap(state: State) -> Decision:
    """The exchange the reader asks for, then the answer."""
    question = state["question"]
    if own_claims(state, ConceptSwapClaim):
        return Decision(action=Answer(style="swap-concept"), why="the exchange has been tested")
    action = TestConcepts(concept=question["group"], other=question["other"], at=question.get("at"))
    return Decision(action=action, why=f"put {question['other']} in the place of {question['group']}")


def _asks(state: State) -> bool:
    return Intent(state["question"]["intent"]) in ABOUT
