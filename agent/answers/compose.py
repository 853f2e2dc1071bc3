"""Writes an answer from the ledger: sentences with the claims they rest on, and nothing else.

Every style ends in the ledger's check; an answer that fails it is never shown.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from agent.answers.comparison_sentences import side_by_side
from agent.answers.concept_questions import concepts_told, first_layer, swap_asked, swap_evidence
from agent.answers.concept_sentences import (
    borne_out,
    chain_line,
    concept_evidence,
    concepts_open,
    in_plain_words,
)
from agent.answers.graph_sentences import evidence, how_sure, where_it_ends, words_that_mattered
from agent.answers.llm_rewording import reworded
from agent.answers.path_sentences import asked_path, path_walked
from agent.answers.search_sentences import (
    carried_over,
    other_than_asked,
    repairs,
    sides,
    swapped,
    text_by_text,
    untested,
    wanted_already,
    where_lost,
)
from agent.answers.sentences import (
    does,
    in_short,
    knock_on,
    lead_explained,
    left_open,
    passed_over,
    premise,
    says,
    tested,
)
from agent.core import (
    SearchClaim,
    State,
    Swap,
    Unsupported,
    called,
    case_of,
    claims_of,
    escaped,
    folded,
    groups_of,
    own_claims,
    prediction_of,
    render,
    subject_of,
    tests_of,
    unexplained,
)
from agent.evidence import Sentence, faults
from agent.planners import about_asked, guessed, taken_for_right
from agent.questions import EXAMPLES

log = logging.getLogger(__name__)

EVIDENCE = "The evidence"
OPEN = 3  # open ends that are told at once; the others are folded away
Words = Callable[[Sequence[Sentence]], str]  # sentences -> a proposal for their wording


class Paragraph(NamedTuple):
    """A heading (may be empty) and what stands under it."""

    heading: str
    sentences: list[Sentence]
    folded: bool = False  # shown on demand: what the answer rests on


Style = Callable[[State, str], list[Paragraph]]  # state, the subject's name -> an answer


def compose(style: str, state: State, model: str, word: Words | None = None) -> dict[str, Any]:
    """The answer as {"style", "markdown", "sentences", "refused"}; a sentence without evidence is left out.

    `word` may propose other words for the sentences; what it proposes goes through the same check.
    """
    fixed = FIXED.get(style)
    if fixed is not None:
        return {"style": style, "markdown": fixed(state), "sentences": [], "refused": []}
    paragraphs, refused = _checked(STYLES[style](state, model), state)
    if word is not None:
        paragraphs, more = _reworded(paragraphs, state, word)
        refused = [*refused, *more]
    sentences = [s for p in paragraphs for s in p.sentences]
    if not sentences:
        raise Unsupported("The ledger holds nothing to answer this with.")
    return {
        "style": style,
        "markdown": _written([p for p in paragraphs if p.sentences]),
        "sentences": [{"text": s.text, "claims": list(s.claims)} for s in sentences],
        "refused": refused,
    }


def _checked(paragraphs: list[Paragraph], state: State) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs with only those sentences the ledger supports, and why the others went."""
    claims, names = claims_of(state), [g["id"] for g in groups_of(state)]
    out, refused = [], []
    for paragraph in paragraphs:
        kept = []
        for sentence in paragraph.sentences:
            wrong = faults([sentence], claims, names)
            refused += wrong
            if not wrong:
                kept.append(sentence)
        out.append(paragraph._replace(sentences=kept))
    for why in refused:
        log.warning("a sentence was refused: %s", why)
    return out, refused


def _reworded(paragraphs: list[Paragraph], state: State, word: Words) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs in the proposed words, where these say the same and nothing else."""
    whole = [s for p in paragraphs for s in p.sentences]
    said = word(whole)
    if not said:
        return paragraphs, []
    names = [g["id"] for g in groups_of(state)]
    worded = reworded(whole, said, claims_of(state), names)
    for why in worded.refused:
        log.warning("words were refused: %s", why)
    left = iter(worded.sentences)
    return [p._replace(sentences=list(islice(left, len(p.sentences)))) for p in paragraphs], worded.refused


def _written(paragraphs: list[Paragraph]) -> str:
    """The answer; what is folded away stands together, under one line, at the end."""
    shown = [_markdown(p) for p in paragraphs if not p.folded]
    away = [_markdown(p) for p in paragraphs if p.folded]
    return "\n\n".join([*shown, *([folded(EVIDENCE, "\n\n".join(away))] if away else [])])


def _markdown(paragraph: Paragraph) -> str:
    heading = f"**{escaped(paragraph.heading)}** " if paragraph.heading else ""
    if len(paragraph.sentences) > 2:
        return f"{heading}\n\n" + "\n".join(f"- {escaped(s.text)}" for s in paragraph.sentences)
    return heading + " ".join(escaped(s.text) for s in paragraph.sentences)


def _read_off(parts: Callable[[State], list[tuple[str, list[Sentence]]]]) -> Style:
    return lambda state, _model: [Paragraph(*part) for part in parts(state)]


def _read_from_graph(state: State) -> list[Sentence]:
    """The words the influence ends in, and the strongest path."""
    return [*where_it_ends(state), *path_walked(state)]


def _why(state: State, model: str) -> list[Paragraph]:
    case = case_of(state)
    tests = [claim for claim in tests_of(state) if claim.repair is None]
    tests.sort(key=lambda claim: (-abs(claim.effect), claim.id))
    mistake, way = bool(own_claims(state, SearchClaim)), bool(borne_out(state))
    open_first = [*concepts_open(state), *untested(state)]
    return [
        Paragraph("", premise(state)),
        Paragraph("What was asked.", [*taken_for_right(state), *about_asked(state)]),
        Paragraph("What it says.", says(state, model)),
        Paragraph("In one line.", chain_line(state)),
        Paragraph("How it got there.", in_plain_words(state)),
        Paragraph("In neurons." if way else "In short.", in_short(state), folded=way),
        Paragraph("Who works for which.", sides(state) if mistake else []),
        Paragraph("Where it is lost.", where_lost(state)),
        Paragraph("What repairs it.", repairs(state)),
        Paragraph("What is left open.", [*open_first, *left_open(state)][:OPEN]),
        Paragraph("Concepts.", concept_evidence(state), folded=True),
        Paragraph(
            "Words and path.", [] if unexplained(state.get("graph")) else _read_from_graph(state), folded=True
        ),
        Paragraph(
            "Groups of neurons.",
            [lead_explained(state), *(tested(c, subject_of(c, state), case) for c in tests)],
            folded=True,
        ),
        Paragraph("Knock-on effects.", knock_on(state), folded=True),
        Paragraph("Also open.", [*[*open_first, *left_open(state)][OPEN:], *passed_over(state)], folded=True),
    ]


def _of_its_turn(state: State) -> State:
    """The state as the turn left it that told what the model says: the same ledger in another length."""
    return {**state, "turn": prediction_of(state).turn}


def _line(state: State, model: str) -> list[Paragraph]:
    return [Paragraph("", [*says(state, model), *chain_line(state)])]


def _simply(state: State, model: str) -> list[Paragraph]:
    told = in_plain_words(state) or in_short(_of_its_turn(state))
    return [Paragraph("", [*says(state, model), *chain_line(state)]), Paragraph("How it got there.", told)]


def _detail(state: State, model: str) -> list[Paragraph]:
    return [p._replace(folded=False) for p in _why(_of_its_turn(state), model)]


def _make(state: State, model: str) -> list[Paragraph]:
    """The smallest change that makes the model say the wanted token, and a swap of words that does."""
    case = case_of(state)
    swaps = [c for c in tests_of(state) if isinstance(c.intervention, Swap)]
    return [
        Paragraph("", premise(state) if not wanted_already(state) else []),
        Paragraph("", wanted_already(state)),
        Paragraph("What it says.", says(state, model)),
        Paragraph("What makes it say that.", repairs(state)),
        Paragraph("By a swap.", [s for c in swaps for s in swapped(c, state, case)]),
        Paragraph("Where it is lost.", where_lost(state)),
        Paragraph("What is left open.", [*untested(state), *left_open(state)]),
    ]


def _holds(state: State, _model: str) -> list[Paragraph]:
    """Rates, then the texts, the paraphrases and the other entities apart."""
    case, tests = case_of(state), tests_of(state)
    return [
        Paragraph("", other_than_asked(state)),
        Paragraph("How far it holds.", carried_over(state)),
        Paragraph("In other words.", text_by_text(state, "paraphrases")),
        Paragraph("Other entities.", text_by_text(state, "entities")),
        Paragraph("On its own text.", [tested(c, subject_of(c, state), case) for c in tests]),
        Paragraph("", untested(state)),
    ]


def _compare(state: State, _model: str) -> list[Paragraph]:
    case = case_of(state)
    return [
        Paragraph("Side by side.", side_by_side(state)),
        Paragraph("A swap between them.", [s for c in tests_of(state) for s in swapped(c, state, case)]),
        Paragraph("", untested(state)),
    ]


def _partial(state: State, model: str) -> list[Paragraph]:
    """What is known where the budget was spent before the graph was made."""
    claim = prediction_of(state)
    note = "The budget of this question was spent before anything could be traced and tested."
    return [
        Paragraph("What it says.", says(state, model)),
        Paragraph("What is left open.", [Sentence(note, (claim.id,))]),
    ]


def _intervene(state: State, _model: str) -> list[Paragraph]:
    case = case_of(state)
    both = [swapped(claim, state, case) for claim in tests_of(state)]
    return [
        Paragraph("", [s for after, _ in both for s in [after]]),
        Paragraph("The test.", [test for _, test in both]),
        Paragraph("", knock_on(state)),
    ]


def _node(state: State, _model: str) -> list[Paragraph]:
    case, out = case_of(state), []
    for claim in tests_of(state):
        group = subject_of(claim, state)
        out.append(Sentence(f"{called(group, case)}: {does(group, state)}.", (claim.id,)))
        out.append(tested(claim, group, case))
    return [Paragraph("", out[:1]), Paragraph("Tested.", out[1:])]


def _search(state: State) -> str:
    found = state.get("found") or []
    if not found:
        return escaped("The library holds no features yet. Ask about a text first.")
    rows = [f"- {escaped(hit['id'])}: {escaped(hit['label'])} ({hit['similarity']:.2f})" for hit in found]
    return "Features whose description is nearest in meaning (similarity):\n\n" + "\n".join(rows)


def _fixed(name: str) -> Callable[[State], str]:
    return lambda _state: render(name, examples="\n".join(f"- {escaped(e)}" for e in EXAMPLES))


def _help(state: State) -> str:
    """What can be asked, or what a question left open."""
    back = state["question"].get("lacking")
    return escaped(str(back)) if back else _fixed("help")(state)


def _guess(state: State, model: str) -> list[Paragraph]:
    return [
        Paragraph("", premise(state)),
        Paragraph("What it says.", says(state, model)),
        Paragraph("Guesses.", guessed(state)),
    ]


STYLES: dict[str, Style] = {
    "why": _why,
    "concepts": _read_off(lambda state: concepts_told(state)),
    "first-layer": _read_off(lambda state: [("", first_layer(state))]),
    "swap-concept": _read_off(lambda state: [("", swap_asked(state)), ("The test.", swap_evidence(state))]),
    "line": _line,
    "simply": _simply,
    "detail": _detail,
    "make": _make,
    "holds": _holds,
    "compare": _compare,
    "partial": _partial,
    "intervene": _intervene,
    "node": _node,
    "path": _read_off(asked_path),
    "words": _read_off(words_that_mattered),
    "sure": _read_off(how_sure),
    "evidence": _read_off(evidence),
    "one-shot": _guess,
    "text-only": _guess,
}
FIXED: dict[str, Callable[[State], str]] = {
    "search": _search,
    "help": _help,
    **{name: _fixed(name) for name in ("unknown", "no-text", "no-group", "not-yet")},
}
