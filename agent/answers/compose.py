"""Writes an answer from the ledger: sentences with the claims they rest on, and nothing else.

Every style ends in the ledger's check; an answer that fails it is never shown.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from agent.answers.carrier_sentences import tell_explained
from agent.answers.comparison_sentences import write_comparison
from agent.answers.concept_evidence import concept_evidence, concepts_open
from agent.answers.concept_line import chain_line
from agent.answers.concept_questions import concepts_told, first_layer, swap_asked, swap_evidence
from agent.answers.concept_sentences import (
    borne_out,
    in_plain_words,
    tells_how,
)
from agent.answers.graph_sentences import (
    write_evidence,
    write_influential_words,
    write_verdicts,
    write_where_influence_ends,
)
from agent.answers.limit_sentences import write_limits, write_untested_groups
from agent.answers.llm_rewording import check_rewording
from agent.answers.method_quotes import write_method
from agent.answers.path_sentences import write_asked_path, write_strongest_path
from agent.answers.search_sentences import (
    write_already_said,
    write_rates,
    write_repairs,
    write_sides,
    write_swap,
    write_text_rows,
    write_unasked_texts,
    write_untested,
    write_where_lost,
)
from agent.answers.sentences import (
    lead_explained,
    write_knock_on,
    write_prediction,
    write_premise,
    write_role,
    write_summary,
    write_test,
)
from agent.answers.simple_sentences import in_simple_words
from agent.answers.test_table import write_table
from agent.core import (
    SearchClaim,
    State,
    Swap,
    Unsupported,
    case_of,
    claim_group,
    claims_of,
    errors_dominate,
    escape_md,
    folded,
    groups_of,
    own_claims,
    prediction_of,
    render_prompt,
    show_group,
    terms_of,
    tests_of,
)
from agent.evidence import Sentence, find_faults
from agent.planners import find_assumed_right, write_asked_use, write_guesses
from agent.questions import EXAMPLES

log = logging.getLogger(__name__)

EVIDENCE = "The evidence"
OPEN = 3  # open ends that are told at once; the others are folded away
Rewriter = Callable[[Sequence[Sentence]], str]  # sentences -> a proposal for their wording


class Paragraph(NamedTuple):
    """A heading (may be empty) and what stands under it."""

    heading: str
    sentences: list[Sentence]
    folded: bool = False  # shown on demand: what the answer rests on


Style = Callable[[State, str], list[Paragraph]]  # state, the subject's name -> an answer


def compose_answer(style: str, state: State, model: str, word: Rewriter | None = None) -> dict[str, Any]:
    """The answer as {"style", "markdown", "sentences", "refused"}; a sentence without evidence is left out.

    `word` may propose other words for the sentences; what it proposes goes through the same check.
    """
    fixed = FIXED.get(style)
    if fixed is not None:
        return {"style": style, "markdown": fixed(state), "sentences": [], "refused": []}
    paragraphs, refused = _check_paragraphs(STYLES[style](state, model), state)
    if word is not None:
        paragraphs, more = _reword_paragraphs(paragraphs, state, word)
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


def _check_paragraphs(paragraphs: list[Paragraph], state: State) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs with only those sentences the ledger supports, and why the others went."""
    claims, names = claims_of(state), [g["id"] for g in groups_of(state)]
    out, refused = [], []
    for paragraph in paragraphs:
        kept = []
        for sentence in paragraph.sentences:
            wrong = find_faults([sentence], claims, names)
            refused += wrong
            if not wrong:
                kept.append(sentence)
        out.append(paragraph._replace(sentences=kept))
    for why in refused:
        log.warning("a sentence was refused: %s", why)
    return out, refused


def _reword_paragraphs(
    paragraphs: list[Paragraph], state: State, word: Rewriter
) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs in the proposed words, where these say the same and nothing else."""
    whole = [s for p in paragraphs for s in p.sentences]
    said = word(whole)
    if not said:
        return paragraphs, []
    names = [g["id"] for g in groups_of(state)]
    worded = check_rewording(whole, said, claims_of(state), names)
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
    heading = f"**{escape_md(paragraph.heading)}** " if paragraph.heading else ""
    if len(paragraph.sentences) > 2:
        return f"{heading}\n\n" + "\n".join(f"- {escape_md(s.text)}" for s in paragraph.sentences)
    return heading + " ".join(escape_md(s.text) for s in paragraph.sentences)


def _read_off(parts: Callable[[State], list[tuple[str, list[Sentence]]]]) -> Style:
    return lambda state, _model: [Paragraph(*part) for part in parts(state)]


def _read_from_graph(state: State) -> list[Sentence]:
    """The words the influence ends in, and the strongest path."""
    return [*write_where_influence_ends(state), *write_strongest_path(state)]


def _compose_why(state: State, model: str) -> list[Paragraph]:
    case = case_of(state)
    tests = [claim for claim in tests_of(state) if claim.repair is None]
    tests.sort(key=lambda claim: (-abs(claim.effect), claim.id))
    mistake = bool(own_claims(state, SearchClaim))
    known_how = bool(borne_out(state)) or tells_how(state)
    limits = write_limits(state)
    left_open = [*concepts_open(state), *write_untested(state), *limits[:1]]
    return [
        Paragraph("", write_premise(state)),
        Paragraph("What was asked.", [*find_assumed_right(state), *write_asked_use(state)]),
        Paragraph("What it says.", write_prediction(state, model)),
        Paragraph("In one line.", chain_line(state)),
        Paragraph("How it got there.", in_plain_words(state)),
        Paragraph(
            f"In {terms_of(state).units}.",
            write_summary(state),
            folded=known_how,
        ),
        Paragraph("How much this explains.", tell_explained(state)),
        Paragraph("Who works for which.", write_sides(state) if mistake else []),
        Paragraph("Where it is lost.", write_where_lost(state)),
        Paragraph("What repairs it.", write_repairs(state)),
        Paragraph("What is left open.", left_open[:OPEN]),
        Paragraph("Concepts.", concept_evidence(state), folded=True),
        Paragraph(
            "Words and path.",
            [] if errors_dominate(state.get("graph")) else _read_from_graph(state),
            folded=True,
        ),
        Paragraph(
            f"Groups of {terms_of(state).units}.",
            [lead_explained(state), *(write_test(c, claim_group(c, state), case) for c in tests)],
            folded=True,
        ),
        Paragraph("Knock-on effects.", write_knock_on(state), folded=True),
        Paragraph(
            "Also open.",
            [*left_open[OPEN:], *limits[1:], *write_untested_groups(state)],
            folded=True,
        ),
    ]


def _of_its_turn(state: State) -> State:
    """The state as the turn left it that told what the model says: the same ledger in another length."""
    return {**state, "turn": prediction_of(state).turn}


def _line(state: State, model: str) -> list[Paragraph]:
    return [Paragraph("", [*write_prediction(state, model), *chain_line(state)])]


def _simply(state: State, model: str) -> list[Paragraph]:
    line, told = chain_line(state), in_simple_words(state)
    if not borne_out(state):  # no chain, which the line draws: only what is not told below
        known = {name for sentence in told for name in sentence.claims}
        line = [sentence for sentence in line if not set(sentence.claims) <= known]
    return [
        Paragraph("", [*write_prediction(state, model), *line]),
        Paragraph("How it got there.", told or write_summary(_of_its_turn(state))),
    ]


def _detail(state: State, model: str) -> list[Paragraph]:
    return [p._replace(folded=False) for p in _compose_why(_of_its_turn(state), model)]


def _compose_make(state: State, model: str) -> list[Paragraph]:
    """The smallest change that makes the model say the wanted token, and a swap of words that does."""
    case = case_of(state)
    swaps = [c for c in tests_of(state) if isinstance(c.intervention, Swap)]
    return [
        Paragraph("", write_premise(state) if not write_already_said(state) else []),
        Paragraph("", write_already_said(state)),
        Paragraph("What it says.", write_prediction(state, model)),
        Paragraph("What makes it say that.", write_repairs(state)),
        Paragraph("By a swap.", [s for c in swaps for s in write_swap(c, state, case)]),
        Paragraph("Where it is lost.", write_where_lost(state)),
        Paragraph("What is left open.", [*write_untested(state), *write_limits(state)]),
    ]


def _compose_holds(state: State, _model: str) -> list[Paragraph]:
    """Rates, then the texts, the paraphrases and the other entities apart."""
    case, tests = case_of(state), tests_of(state)
    return [
        Paragraph("", write_unasked_texts(state)),
        Paragraph("How far it holds.", write_rates(state)),
        Paragraph("In other words.", write_text_rows(state, "paraphrases")),
        Paragraph("Other entities.", write_text_rows(state, "entities")),
        Paragraph("On its own text.", [write_test(c, claim_group(c, state), case) for c in tests]),
        Paragraph("", write_untested(state)),
    ]


def _compose_compare(state: State, _model: str) -> list[Paragraph]:
    case = case_of(state)
    return [
        Paragraph("Side by side.", write_comparison(state)),
        Paragraph("A swap between them.", [s for c in tests_of(state) for s in write_swap(c, state, case)]),
        Paragraph("", write_untested(state)),
    ]


def _compose_partial(state: State, model: str) -> list[Paragraph]:
    """What is known where the budget was spent before the graph was made."""
    claim = prediction_of(state)
    note = "The budget of this question was spent before anything could be traced and tested."
    return [
        Paragraph("What it says.", write_prediction(state, model)),
        Paragraph("What is left open.", [Sentence(note, (claim.id,))]),
    ]


def _compose_intervene(state: State, _model: str) -> list[Paragraph]:
    case = case_of(state)
    both = [write_swap(claim, state, case) for claim in tests_of(state)]
    return [
        Paragraph("", [s for after, _ in both for s in [after]]),
        Paragraph("The test.", [test for _, test in both]),
        Paragraph("", write_knock_on(state)),
    ]


def _compose_node(state: State, _model: str) -> list[Paragraph]:
    case, out = case_of(state), []
    for claim in tests_of(state):
        group = claim_group(claim, state)
        out.append(Sentence(f"{show_group(group, case)}: {write_role(group, state)}.", (claim.id,)))
        out.append(write_test(claim, group, case))
    return [Paragraph("", out[:1]), Paragraph("Tested.", out[1:])]


def _compose_search(state: State) -> str:
    found = state.get("found") or []
    if not found:
        return escape_md("The library holds no features yet. Ask about a text first.")
    rows = [f"- {escape_md(hit['id'])}: {escape_md(hit['label'])} ({hit['similarity']:.2f})" for hit in found]
    return "Features whose description is nearest in meaning (similarity):\n\n" + "\n".join(rows)


def _compose_fixed(name: str) -> Callable[[State], str]:
    return lambda _state: render_prompt(name, examples="\n".join(f"- {escape_md(e)}" for e in EXAMPLES))


def _compose_help(state: State) -> str:
    """What can be asked, or what a question left open."""
    back = state["question"].get("lacking")
    return escape_md(str(back)) if back else _compose_fixed("help")(state)


def _compose_guess(state: State, model: str) -> list[Paragraph]:
    return [
        Paragraph("", write_premise(state)),
        Paragraph("What it says.", write_prediction(state, model)),
        Paragraph("Guesses.", write_guesses(state)),
    ]


STYLES: dict[str, Style] = {
    "why": _compose_why,
    "concepts": _read_off(lambda state: concepts_told(state)),
    "first-layer": _read_off(lambda state: [("", first_layer(state))]),
    "swap-concept": _read_off(lambda state: [("", swap_asked(state)), ("The test.", swap_evidence(state))]),
    "line": _line,
    "simply": _simply,
    "detail": _detail,
    "make": _compose_make,
    "holds": _compose_holds,
    "compare": _compose_compare,
    "partial": _compose_partial,
    "intervene": _compose_intervene,
    "node": _compose_node,
    "path": _read_off(write_asked_path),
    "words": _read_off(write_influential_words),
    "sure": _read_off(write_verdicts),
    "evidence": _read_off(write_evidence),
    "one-shot": _compose_guess,
    "text-only": _compose_guess,
}
FIXED: dict[str, Callable[[State], str]] = {
    "method": lambda state: write_method(state["question"]["raw"], state["question"].get("other")),
    "table": write_table,
    "search": _compose_search,
    "help": _compose_help,
    **{name: _compose_fixed(name) for name in ("unknown", "no-text", "no-group", "not-yet")},
}
