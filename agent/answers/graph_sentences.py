"""Answers read off what is known: which words mattered, how sure, what a sentence rests on. Tests nothing."""

from typing import Any

from agent.answers.path_sentences import path_walked, removals
from agent.answers.sentences import left_open, tested
from agent.core import (
    Case,
    Claim,
    ConceptClaim,
    ConceptSwapClaim,
    EffectClaim,
    HopClaim,
    MechanismClaim,
    PathClaim,
    PlainClaim,
    RateClaim,
    State,
    Swap,
    TestedClaim,
    WordsClaim,
    WordShare,
    basis_of,
    called,
    case_of,
    chance,
    claims_of,
    every_test,
    groups_of,
    listed,
    own_claims,
    percent,
    placed,
    plain_claim,
    prediction_of,
    quoted,
    rounded,
    signed,
    subject_of,
)
from agent.evidence import Sentence, new_claim

MOST_WORDS = 4  # words that are named
WORTH_NAMING = 0.05  # of the influence that ends in words
SORTED = ("supported", "partly", "inconclusive", "refuted")
Parts = list[tuple[str, list[Sentence]]]  # headings with what stands under them


def words_claims(state: State) -> list[PlainClaim]:
    """A new claim on where the influence on the answer ends among the words of the text."""
    case = case_of(state)
    nodes = [n for n in (state.get("drawing") or {}).get("nodes", []) if n["kind"] == "token"]
    whole = sum(n["influence"] for n in nodes)
    if not whole:
        return []
    ranked = sorted(nodes, key=lambda n: (-n["influence"], n["position"]))
    shares = [(n["position"], n["influence"] / whole) for n in ranked]
    shares = [(position, share) for position, share in shares if share >= WORTH_NAMING][:MOST_WORDS]
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        WordsClaim,
        text=_ends_at(shares, case),
        words=[WordShare(position=position, share=rounded(share)) for position, share in shares],
    )
    return [plain_claim(claim)]


def _ends_at(shares: list[tuple[int, float]], case: Case) -> str:
    named = [f"{placed(case['tokens'], position)} ({percent(share)})" for position, share in shares]
    return (
        f"Traced back to words, the influence on the lead of {quoted(case['answer'])} over "
        f"{quoted(case['foil'])} ends mostly at {listed(named)}: read from the graph, not tested."
    )


def where_it_ends(state: State) -> list[Sentence]:
    """The claims of this turn on words, as they stand."""
    return [Sentence(c.text, (c.id,)) for c in own_claims(state, WordsClaim)]


def words_that_mattered(state: State) -> Parts:
    """Where the influence ends, and what tests there are at those words."""
    case, removed = case_of(state), removals(state)
    tests, without = [], []
    for claim in own_claims(state, WordsClaim):
        for row in claim.words:
            here = [g for g in groups_of(state) if g["position"] == row.position]
            done = [removed[g["id"]] for g in here if g["id"] in removed]
            word = placed(case["tokens"], row.position)
            if done:
                said = listed([f"by {signed(c.effect)} without {c.name} ({c.verdict})" for c in done])
                tests.append(Sentence(f"At {word} the lead changes {said}.", tuple(c.id for c in done)))
            else:
                without.append(word)
        if without:
            tests.append(Sentence(f"At {listed(without)} nothing has been tested.", (claim.id,)))
    return [("Words.", where_it_ends(state)), ("What was tested there.", tests)]


def how_sure(state: State) -> Parts:
    """The verdicts so far: which hold, then each with its numbers."""
    tests = every_test(state)
    if not tests:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim.id,))])]
    out = [
        Sentence(
            f"{c.id}, {_on(c, state)}: {_numbers(c)}p = {chance(c.p or 0.0)}, after Holm "
            f"{chance(c.p_holm or 0.0)}: {c.verdict}.",
            (c.id,),
        )
        for c in tests
    ]
    brief = [
        f"{verdict}: {listed(list(dict.fromkeys(_on(c, state) for c in some)))}"
        for verdict in SORTED
        if (some := [c for c in tests if c.verdict == verdict])
    ]
    whole = Sentence(f"By verdict: {'; '.join(brief)}.", tuple(c.id for c in tests))
    return [("In short.", [whole]), ("Verdicts.", out), ("", left_open(state))]


def _numbers(claim: TestedClaim) -> str:
    if isinstance(claim, RateClaim):
        return ""
    return f"predicted {signed(claim.predicted or 0.0)}, measured {signed(claim.effect)}, "


def _on(claim: TestedClaim, state: State) -> str:
    """What a test was of."""
    if of_concepts := _on_concepts(claim):
        return of_concepts
    if isinstance(claim, RateClaim):
        over = "paraphrases" if claim.over == "paraphrases" else "other entities"
        return f"{claim.name} on {over}"
    how = claim.intervention if isinstance(claim, EffectClaim) else None
    if isinstance(how, Swap):
        return f"the swapped {basis_of(state).units}"
    name = " with ".join(claim.groups) or called(subject_of(claim, state), case_of(state))
    factor = how.factor if how else 0.0
    scaled = f" times {factor:g}".replace("-", "−") if factor else ""
    return f"{name}{scaled}"


def _on_concepts(claim: TestedClaim) -> str:
    """What a test of concepts was of; empty for any other."""
    if isinstance(claim, ConceptSwapClaim):
        return f"the concept {quoted(claim.concept.name)} exchanged"
    if isinstance(claim, ConceptClaim):
        return f"the concept {quoted(claim.concept.name)}"
    if isinstance(claim, HopClaim):
        return f"{quoted(claim.source.name)} to {quoted(claim.target.name)}"
    return claim.mechanism if isinstance(claim, MechanismClaim) else ""


def last_said(state: State) -> list[dict[str, Any]]:
    """The sentences a question for evidence is about: the last answer's that is none for evidence."""
    reply = state.get("reply") or {}
    if reply.get("sentences") and reply.get("style") != "evidence":
        return list(reply["sentences"])
    return list(((state.get("report") or {}).get("answer") or {}).get("sentences", []))


def evidence(state: State) -> Parts:
    """The claims behind one sentence of the last answer, one claim by its id, or all that was tested."""
    number = str(state["question"].get("other") or "")
    said = state["question"].get("about") or last_said(state)
    known = {c.id: c for c in claims_of(state)}
    tests = [c for c in known.values() if isinstance(c, TestedClaim) and c.p is not None]
    shown, first = list[Claim](tests), []
    if number in known:
        shown = [known[number]]
    elif number.isdecimal() and 1 <= int(number) <= len(said):
        sentence = said[int(number) - 1]
        shown = [known[name] for name in sentence["claims"] if name in known]
        first = [Sentence(f"The sentence: {quoted(sentence['text'])}", tuple(c.id for c in shown))]
    elif number:
        what = "sentence" if number.isdecimal() else "claim"
        note = f"There is no {what} {quoted(number)} in the last answer. This is what was tested:"
        first = [Sentence(note, tuple(c.id for c in tests))]
    if not shown:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim.id,))])]
    return [("", first), ("Evidence.", [line for c in shown for line in _rests_on(c, state)])]


def _rests_on(claim: Claim, state: State) -> list[Sentence]:
    """What a claim holds, in sentences that cite it."""
    if isinstance(claim, EffectClaim) and claim.p is not None:
        return [tested(claim, subject_of(claim, state), case_of(state))]
    if isinstance(claim, PathClaim):
        return path_walked(state)
    if isinstance(claim, RateClaim) and claim.p is not None:
        p, holm = chance(claim.p), chance(claim.p_holm or 0.0)
        share = f"{claim.held} of {len(claim.texts)}"
        found = f"It does on {share} (p = {p}, after Holm {holm}): {claim.verdict}."
        return [Sentence(f"{claim.text} {found}", (claim.id,))]
    return [Sentence(f"{claim.text} ({claim.verdict})", (claim.id,))]
