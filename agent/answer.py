"""Writes an answer from the ledger: sentences with the claims they rest on, and nothing else.

Every style ends in the ledger's check; an answer that fails it is never shown.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from agent.asked import about_asked
from agent.baselines import guessed
from agent.bases import basis_of, unexplained
from agent.heads import heads_named
from agent.ledger import Sentence, faults
from agent.prompts import render
from agent.questions import EXAMPLES
from agent.sentences import (
    Unsupported,
    called,
    case_of,
    does,
    in_short,
    knock_on,
    left_open,
    passed_over,
    path_claim,
    path_walked,
    prediction_of,
    premise,
    says,
    subject_of,
    tested,
    tests_of,
)
from agent.state import Claim, State
from agent.tellings import (
    carried_over,
    nothing_carried,
    own_claims,
    repairs,
    side_by_side,
    sides,
    swapped,
    text_by_text,
    untested,
    wanted_already,
    where_lost,
)
from agent.wording import reworded
from agent.words import chance, escaped, listed, quoted, signed

log = logging.getLogger(__name__)

Words = Callable[[Sequence[Sentence]], str]  # sentences -> a proposal for their wording


class Paragraph(NamedTuple):
    """A heading (may be empty) and what stands under it."""

    heading: str
    sentences: list[Sentence]


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
        "markdown": "\n\n".join(_markdown(p) for p in paragraphs if p.sentences),
        "sentences": [{"text": s.text, "claims": list(s.claims)} for s in sentences],
        "refused": refused,
    }


def _checked(paragraphs: list[Paragraph], state: State) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs with only those sentences the ledger supports, and why the others went."""
    claims, names = state.get("claims", []), [g["id"] for g in state.get("groups") or []]
    out, refused = [], []
    for paragraph in paragraphs:
        kept = []
        for sentence in paragraph.sentences:
            wrong = faults([sentence], claims, names)
            refused += wrong
            if not wrong:
                kept.append(sentence)
        out.append(Paragraph(paragraph.heading, kept))
    for why in refused:
        log.warning("a sentence was refused: %s", why)
    return out, refused


def _reworded(paragraphs: list[Paragraph], state: State, word: Words) -> tuple[list[Paragraph], list[str]]:
    """The paragraphs in the proposed words, where these say the same and nothing else."""
    whole = [s for p in paragraphs for s in p.sentences]
    said = word(whole)
    if not said:
        return paragraphs, []
    names = [g["id"] for g in state.get("groups") or []]
    worded = reworded(whole, said, state.get("claims", []), names)
    for why in worded.refused:
        log.warning("words were refused: %s", why)
    left = iter(worded.sentences)
    return [Paragraph(p.heading, list(islice(left, len(p.sentences)))) for p in paragraphs], worded.refused


def _markdown(paragraph: Paragraph) -> str:
    heading = f"**{escaped(paragraph.heading)}** " if paragraph.heading else ""
    if len(paragraph.sentences) > 2:
        return f"{heading}\n\n" + "\n".join(f"- {escaped(s.text)}" for s in paragraph.sentences)
    return heading + " ".join(escaped(s.text) for s in paragraph.sentences)


def _why(state: State, model: str) -> list[Paragraph]:
    case = case_of(state)
    tests = tests_of(state)
    found = [tested(c, subject_of(c, state), case) for c in tests]
    mistake = bool(own_claims(state, "search"))
    found = [s for s, c in zip(found, tests, strict=True) if not (c["intervention"] or {}).get("wanted")]
    tests = [c for c in tests if not (c["intervention"] or {}).get("wanted")]
    order = sorted(range(len(tests)), key=lambda i: (-abs(tests[i]["measured"] or 0.0), tests[i]["id"]))
    return [
        Paragraph("", premise(state)),
        Paragraph("What was asked.", about_asked(state)),
        Paragraph("What it says.", says(state, model)),
        Paragraph("In short.", in_short(state)),
        Paragraph("Who works for which.", sides(state) if mistake else []),
        Paragraph("Where it is lost.", where_lost(state)),
        Paragraph("What repairs it.", repairs(state)),
        Paragraph("The path.", [] if unexplained(state.get("graph")) else path_walked(state)),
        Paragraph("What the tests show.", [found[i] for i in order]),
        Paragraph("Knock-on effects.", knock_on(state)),
        Paragraph("What is left open.", [*untested(state), *passed_over(state), *left_open(state)]),
    ]


def _make(state: State, model: str) -> list[Paragraph]:
    """The smallest change that makes the model say the wanted token, and a swap of words that does."""
    case = case_of(state)
    swaps = [c for c in tests_of(state) if (c["intervention"] or {})["kind"] == "swap"]
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
        Paragraph("", nothing_carried(state)),
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
        Paragraph("What is left open.", [Sentence(note, (claim["id"],))]),
    ]


def _path(state: State, _model: str) -> list[Paragraph]:
    path = (state.get("flows") or {}).get("path", [])
    claims = {c["supernode"]: c for c in state.get("claims", []) if c["p"] is not None}
    case = case_of(state)
    along = [tested(claims[s], subject_of(claims[s], state), case) for s in path if s in claims]
    untested = [s for s in path if s.startswith("S") and s not in claims]
    claim = path_claim(state)
    notes = []
    if untested and claim is not None:
        notes = [Sentence(f"{listed(untested)} on this path has not been tested.", (claim["id"],))]
    return [
        Paragraph("The path.", path_walked(state)),
        Paragraph("Heads.", heads_named(state)),
        Paragraph("What tests say about its steps.", along + notes),
    ]


def _words(state: State, _model: str) -> list[Paragraph]:
    """Which words the graph says mattered: their total effect, no test."""
    case, claim = case_of(state), path_claim(state)
    nodes = (state.get("drawing") or {}).get("nodes", [])
    tokens = [n for n in nodes if n["kind"] == "token"]
    by_position = [0.0] * len(case["tokens"])
    for group in state.get("groups") or []:
        by_position[group["position"]] += group["effect"]
    ranked = sorted(tokens, key=lambda n: (-abs(by_position[n["position"]]), n["position"]))[:3]
    if claim is None or not ranked:
        return []
    claim["numbers"] += [by_position[n["position"]] for n in ranked]
    said = [f"{quoted(case['tokens'][n['position']])} ({signed(by_position[n['position']])})" for n in ranked]
    text = (
        f"Summed over the groups at each word, the largest effects on the lead of {quoted(case['answer'])} "
        f"over {quoted(case['foil'])} are at {listed(said)}: read from the graph, not tested."
    )
    return [Paragraph("Words.", [Sentence(text, (claim["id"],))])]


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
        out.append(Sentence(f"{called(group, case)}: {does(group, state)}.", (claim["id"],)))
        out.append(tested(claim, group, case))
    return [Paragraph("", out[:1]), Paragraph("Tested.", out[1:])]


SORTED = ("supported", "partly", "inconclusive", "refuted")


def _on(claim: Claim, state: State) -> str:
    """What a test was of."""
    if claim["supernode"]:
        return claim["supernode"]
    if (claim["intervention"] or {}).get("kind") == "swap":
        return f"the swapped {basis_of(state).units}"
    return called(subject_of(claim, state), case_of(state))


def _sure(state: State, _model: str) -> list[Paragraph]:
    tests = [c for c in state.get("claims", []) if c["p"] is not None]
    if not tests:
        claim = prediction_of(state)
        return [Paragraph("", [Sentence("Nothing has been tested on this text yet.", (claim["id"],))])]
    out = [
        Sentence(
            f"{c['id']}, on {_on(c, state)}: {c['verdict']} "
            f"(p = {chance(c['p'] or 0.0)}, after Holm {chance(c['p_holm'] or 0.0)}).",
            (c["id"],),
        )
        for c in tests
    ]
    short = [
        f"{verdict}: {listed([_on(c, state) for c in some])}"
        for verdict in SORTED
        if (some := [c for c in tests if c["verdict"] == verdict])
    ]
    whole = Sentence(f"By verdict: {'; '.join(short)}.", tuple(c["id"] for c in tests))
    return [Paragraph("In short.", [whole]), Paragraph("Verdicts.", out), Paragraph("", left_open(state))]


def _evidence(state: State, _model: str) -> list[Paragraph]:
    """The claims behind one sentence of the last answer (or behind all of them)."""
    sentences = ((state.get("report") or {}).get("answer") or {}).get("sentences", [])
    number = state["question"].get("other") or ""
    known = {c["id"]: c for c in state.get("claims", [])}
    if str(number).isdigit() and 1 <= int(number) <= len(sentences):
        wanted = sentences[int(number) - 1]["claims"]
    else:
        wanted = [c["id"] for c in known.values() if c["p"] is not None]
    out, note = [], ""
    if str(number).isdigit() and wanted and not 1 <= int(number) <= len(sentences):
        note = "The last answer has no such sentence. This is what was tested:"
    for name in wanted:
        claim = known[name]
        if claim["p"] is None:
            out.append(Sentence(f"{claim['text']} ({claim['verdict']})", (name,)))
        else:
            out.append(tested(claim, subject_of(claim, state), case_of(state)))
    first = [Sentence(note, tuple(wanted))] if note else []
    return [Paragraph("", first), Paragraph("Evidence.", out)]


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


STYLES: dict[str, Callable[[State, str], list[Paragraph]]] = {
    "why": _why,
    "make": _make,
    "holds": _holds,
    "compare": _compare,
    "partial": _partial,
    "intervene": _intervene,
    "node": _node,
    "path": _path,
    "words": _words,
    "sure": _sure,
    "evidence": _evidence,
    "one-shot": _guess,
    "text-only": _guess,
}
FIXED: dict[str, Callable[[State], str]] = {
    "search": _search,
    "help": _help,
    **{name: _fixed(name) for name in ("unknown", "no-text", "no-group", "not-yet")},
}
