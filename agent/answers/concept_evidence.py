"""The tests of concepts with their numbers, and what they leave open. Reads the ledger."""

from agent.answers.carrier_sentences import (
    show_cue_numbers,
    show_head_numbers,
    tell_elsewhere,
    tell_writers,
)
from agent.answers.concept_sentences import at_word, held_mechanisms, is_folded, said_then, tell_no_lens
from agent.answers.route_sentences import show_route_numbers
from agent.core import (
    Case,
    Concept,
    ConceptEffectClaim,
    ConceptSwapClaim,
    HeadClaim,
    HopClaim,
    RouteClaim,
    State,
    case_of,
    every_claim,
    format_p,
    join_words,
    percent,
    prediction_of,
    quote_word,
    show_change,
    show_size,
)
from agent.evidence import HOLDING_VERDICTS, Sentence


def concept_evidence(state: State) -> list[Sentence]:
    """Every test of a concept with its controls, p and verdict."""
    case, out = case_of(state), list[Sentence]()
    for claim in every_claim(state, ConceptEffectClaim):
        if claim.controls is not None:
            out += [_effect_numbers(claim, case), *tell_elsewhere(claim), *tell_writers(claim, case)]
    for head in every_claim(state, HeadClaim):
        out += [show_head_numbers(head, case), *show_cue_numbers(head, case)]
    for hop in every_claim(state, HopClaim):
        out.append(_hop_numbers(hop, case))
    out += [Sentence(claim.says, (claim.id,)) for claim in held_mechanisms(state) if is_folded(claim, state)]
    for swap in every_claim(state, ConceptSwapClaim):
        out += _swap_numbers(swap, case)
    for route in every_claim(state, RouteClaim):
        out += show_route_numbers(route, case)
    return out


def _effect_numbers(claim: ConceptEffectClaim, case: Case) -> Sentence:
    one, controls = claim.concept, claim.controls
    assert controls is not None
    where = f"{quote_word(one.name)} at {at_word(one, case)} ({_layers(one)})"
    text = f"Taking out {where} changes the lead of {quote_word(case['answer'])} over others of its kind by"
    text += f" {show_change(claim.effect)} of"
    text += f" {show_size(claim.lead)}; "
    if not controls.n:
        return Sentence(f"{text}no other word moves the stream as far: {claim.verdict}.", (claim.id,))
    text += f"{controls.n} unrelated words that move the stream as far change it by at most"
    text += f" {show_size(controls.max_abs)} ({_p(claim.p, claim.p_holm)}): {claim.verdict}."
    return Sentence(text, (claim.id,))


def _layers(one: Concept) -> str:
    first, last = one.layers
    return f"layer {first}" if first == last else f"layers {first} to {last}"


def _hop_numbers(claim: HopClaim, case: Case) -> Sentence:
    text = (
        f"Without {quote_word(claim.source.name)}, {quote_word(claim.target.name)} at "
        f"{at_word(claim.target, case)}"
    )
    text += f" loses {percent(claim.effect)}"
    if claim.controls and claim.p is not None:
        largest = percent(max(map(abs, claim.controls)))
        text += f"; without each of {len(claim.controls)} unrelated words at most {largest}"
        text += f" ({_p(claim.p, claim.p_holm)}): {claim.verdict}"
    return Sentence(f"{text}.", (claim.id,))


def _swap_numbers(claim: ConceptSwapClaim, case: Case) -> list[Sentence]:
    one, controls = claim.concept, claim.controls
    if controls is None or not claim.swaps:
        return []
    rows = [f"{said_then(s.says[0])} with {quote_word(s.other)}" for s in claim.swaps]
    text = (
        f"With others in the place of {quote_word(one.name)} at {at_word(one, case)} it "
        f"says {join_words(rows)}."
    )
    first = claim.swaps[0]
    if not controls.n:
        alone = f"No exchange of unrelated words moves the stream as far as {quote_word(first.other)} does"
        alone += f": nothing to compare it with, {claim.verdict}."
        return [Sentence(text, (claim.id,)), Sentence(alone, (claim.id,))]
    others = "pushes along unrelated words" if claim.pushed else "exchanges of unrelated words"
    tested = f"Of {controls.n} {others} that move the stream as far as"
    tested += f" {quote_word(first.other)}, {claim.controls_changed} change the answer"
    brings = "brings" if claim.controls_installed == 1 else "bring"
    tested += (
        f" and {claim.controls_installed} {brings} {quote_word(first.says[0].token)}" if first.changed else ""
    )
    tested += f" ({_p(claim.p, claim.p_holm)}): {claim.verdict}."
    return [Sentence(text, (claim.id,)), Sentence(tested, (claim.id,))]


def _p(p: float | None, adjusted: float | None) -> str:
    if p is None:
        return "not tested"
    same = adjusted is None or format_p(adjusted) == format_p(p)
    return (
        f"p = {format_p(p)}"
        if same or adjusted is None
        else f"p = {format_p(p)}, after Holm {format_p(adjusted)}"
    )


def concepts_open(state: State) -> list[Sentence]:
    """What the tests of concepts leave open; without a lens, that none could be read."""
    out = tell_no_lens(state) if held_mechanisms(state) else []
    for claim in every_claim(state, ConceptEffectClaim):
        if (
            claim.controls is not None
            and claim.controls.n < claim.asked
            and claim.verdict not in HOLDING_VERDICTS
        ):
            few = claim.controls.n
            text = (
                f"Whether {quote_word(claim.concept.name)} counts is open: {few} of {claim.asked} "
                "unrelated words"
            )
            out.append(Sentence(f"{text} move the stream as far as taking it out does.", (claim.id,)))
    case = case_of(state)
    other = case.get("runner_up")
    same = other and other.strip().casefold() == case["answer"].strip().casefold()
    blank = not (other or "").strip() or not case["answer"].strip()
    if further := case.get("goes_on"):
        text = f'The model goes on: “{further}”. Ask “why "{further}"?” about the word that says more.'
        out.append(Sentence(text, (prediction_of(state).id,)))
    if blank:
        return out
    if (
        case.get("foil_rule") in ("kind", "nearest", "text", "form")
        and other
        and other != case["foil"]
        and not same
    ):
        text = f"The second most probable word is {quote_word(other)}."
        ask = f"Ask “why {case['answer'].strip()} rather than {other.strip()}?” about that."
        out.append(Sentence(f"{text} {ask}", (prediction_of(state).id,)))
    return out
