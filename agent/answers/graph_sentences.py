"""Answers read off what is known: which words mattered, how sure, what a sentence rests on. Tests nothing."""

from typing import Any

from agent.answers.limit_sentences import write_limits
from agent.answers.path_sentences import find_removal_tests, write_strongest_path
from agent.answers.sentences import write_test
from agent.core import (
    Case,
    Claim,
    ConceptClaim,
    ConceptSwapClaim,
    EffectClaim,
    HeadClaim,
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
    case_of,
    claim_group,
    claims_of,
    every_test,
    format_p,
    groups_of,
    join_words,
    own_claims,
    percent,
    plain_claim,
    prediction_of,
    quote_token,
    quote_token_at,
    round_reported,
    show_change,
    show_group,
    terms_of,
)
from agent.evidence import Sentence, new_claim

MAX_WORDS = 4  # words that are named
WORTH_NAMING = 0.05  # of the influence that ends in words
VERDICT_ORDER = ("supported", "partly", "inconclusive", "refuted")
Parts = list[tuple[str, list[Sentence]]]  # headings with what stands under them


def add_word_claims(state: State) -> list[PlainClaim]:
    """A new claim on where the influence on the answer ends among the words of the text."""
    case = case_of(state)
    nodes = [n for n in (state.get("drawing") or {}).get("nodes", []) if n["kind"] == "token"]
    whole = sum(n["influence"] for n in nodes)
    if not whole:
        return []
    ranked = sorted(nodes, key=lambda n: (-n["influence"], n["position"]))
    shares = [(n["position"], n["influence"] / whole) for n in ranked]
    shares = [(position, share) for position, share in shares if share >= WORTH_NAMING][:MAX_WORDS]
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        WordsClaim,
        text=_write_influence_ends(shares, case),
        words=[WordShare(position=position, share=round_reported(share)) for position, share in shares],
    )
    return [plain_claim(claim)]


def _write_influence_ends(shares: list[tuple[int, float]], case: Case) -> str:
    named = [f"{quote_token_at(case['tokens'], position)} ({percent(share)})" for position, share in shares]
    return (
        f"Traced back to words, the influence on the lead of {quote_token(case['answer'])} over "
        f"{quote_token(case['foil'])} ends mostly at {join_words(named)}: read from the graph, not tested."
    )


def write_where_influence_ends(state: State) -> list[Sentence]:
    """The claims of this turn on words, as they stand."""
    return [Sentence(c.text, (c.id,)) for c in own_claims(state, WordsClaim)]


def write_influential_words(state: State) -> Parts:
    """Where the influence ends, and what tests there are at those words."""
    case, removed = case_of(state), find_removal_tests(state)
    tests, without = [], []
    for claim in own_claims(state, WordsClaim):
        for row in claim.words:
            here = [g for g in groups_of(state) if g["position"] == row.position]
            done = [removed[g["id"]] for g in here if g["id"] in removed]
            word = quote_token_at(case["tokens"], row.position)
            if done:
                said = join_words(
                    [f"by {show_change(c.effect)} without {c.name} ({c.verdict})" for c in done]
                )
                tests.append(Sentence(f"At {word} the lead changes {said}.", tuple(c.id for c in done)))
            else:
                without.append(word)
        if without:
            tests.append(Sentence(f"At {join_words(without)} nothing has been tested.", (claim.id,)))
    return [("Words.", write_where_influence_ends(state)), ("What was tested there.", tests)]


def write_verdicts(state: State) -> Parts:
    """The verdicts so far: which hold, then each with its numbers."""
    tests = every_test(state)
    if not tests:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim.id,))])]
    out = [
        Sentence(
            f"{c.id}, {_name_tested_group(c, state)}: {_numbers(c)}p = {format_p(c.p or 0.0)}, after Holm "
            f"{format_p(c.p_holm or 0.0)}: {c.verdict}.",
            (c.id,),
        )
        for c in tests
    ]
    brief = [
        f"{verdict}: {join_words(list(dict.fromkeys(_name_tested_group(c, state) for c in some)))}"
        for verdict in VERDICT_ORDER
        if (some := [c for c in tests if c.verdict == verdict])
    ]
    whole = Sentence(f"By verdict: {'; '.join(brief)}.", tuple(c.id for c in tests))
    return [("In short.", [whole]), ("Verdicts.", out), ("", write_limits(state))]


def _numbers(claim: TestedClaim) -> str:
    if isinstance(claim, RateClaim):
        return ""
    return f"predicted {show_change(claim.predicted or 0.0)}, measured {show_change(claim.effect)}, "


def _name_tested_group(claim: TestedClaim, state: State) -> str:
    """What a test was of."""
    if of_concepts := _on_concepts(claim):
        return of_concepts
    if isinstance(claim, RateClaim):
        over = "paraphrases" if claim.over == "paraphrases" else "other entities"
        return f"{claim.name} on {over}"
    how = claim.intervention if isinstance(claim, EffectClaim) else None
    if isinstance(how, Swap):
        return f"the swapped {terms_of(state).units}"
    name = " with ".join(claim.groups) or show_group(claim_group(claim, state), case_of(state))
    factor = how.factor if how else 0.0
    scaled = f" times {factor:g}".replace("-", "−") if factor else ""
    return f"{name}{scaled}"


def _on_concepts(claim: TestedClaim) -> str:
    """What a test of concepts was of; empty for any other."""
    if isinstance(claim, ConceptSwapClaim):
        return f"the concept {quote_token(claim.concept.name)} exchanged"
    if isinstance(claim, HeadClaim):
        return f"head {claim.name}"
    if isinstance(claim, ConceptClaim):
        return f"the concept {quote_token(claim.concept.name)}"
    if isinstance(claim, HopClaim):
        return f"{quote_token(claim.source.name)} to {quote_token(claim.target.name)}"
    return claim.mechanism if isinstance(claim, MechanismClaim) else ""


def find_asked_sentences(state: State) -> list[dict[str, Any]]:
    """The sentences a question for evidence is about: the last answer's that is none for evidence."""
    reply = state.get("reply") or {}
    if reply.get("sentences") and reply.get("style") != "evidence":
        return list(reply["sentences"])
    return list(((state.get("report") or {}).get("answer") or {}).get("sentences", []))


def write_evidence(state: State) -> Parts:
    """The claims behind one sentence of the last answer, one claim by its id, or all that was tested."""
    number = str(state["question"].get("other") or "")
    said = state["question"].get("about") or find_asked_sentences(state)
    known = {c.id: c for c in claims_of(state)}
    tests = [c for c in known.values() if isinstance(c, TestedClaim) and c.p is not None]
    shown, first = list[Claim](tests), []
    if number in known:
        shown = [known[number]]
    elif number.isdecimal() and 1 <= int(number) <= len(said):
        sentence = said[int(number) - 1]
        shown = [known[name] for name in sentence["claims"] if name in known]
        first = [Sentence(f"The sentence: {quote_token(sentence['text'])}", tuple(c.id for c in shown))]
    elif number:
        what = "sentence" if number.isdecimal() else "claim"
        note = f"There is no {what} {quote_token(number)} in the last answer. This is what was tested:"
        first = [Sentence(note, tuple(c.id for c in tests))]
    if not shown:
        claim = prediction_of(state)
        return [("", [Sentence("Nothing has been tested on this text yet.", (claim.id,))])]
    return [("", first), ("Evidence.", [line for c in shown for line in _write_claim_contents(c, state)])]


def _write_claim_contents(claim: Claim, state: State) -> list[Sentence]:
    """What a claim holds, in sentences that cite it."""
    if isinstance(claim, EffectClaim) and claim.p is not None:
        return [write_test(claim, claim_group(claim, state), case_of(state))]
    if isinstance(claim, PathClaim):
        return write_strongest_path(state)
    if isinstance(claim, RateClaim) and claim.p is not None:
        p, holm = format_p(claim.p), format_p(claim.p_holm or 0.0)
        share = f"{claim.held} of {len(claim.texts)}"
        found = f"It does on {share} (p = {p}, after Holm {holm}): {claim.verdict}."
        return [Sentence(f"{claim.text} {found}", (claim.id,))]
    return [Sentence(f"{claim.text} ({claim.verdict})", (claim.id,))]
