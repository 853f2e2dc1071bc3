"""How the answer came about, in terms of concepts: one line, a paragraph, the evidence. Reads the ledger.

A concept in the middle is named only where a test bears it out; where none does, less is said.
"""

from collections.abc import Sequence

from agent.answers.carrier_sentences import show_head_numbers, tell_elsewhere, tell_heads, tell_writers
from agent.core import (
    Case,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    HeadClaim,
    HopClaim,
    MechanismClaim,
    State,
    SwapTried,
    case_of,
    every_claim,
    format_p,
    join_words,
    percent,
    prediction_of,
    quote_token,
    quote_word_at,
    show_change,
    show_size,
)
from agent.evidence import HOLDING_VERDICTS, Sentence

HALVED = 0.5  # of the answer's probability: what it says then is no mere tie turned
MUCH = 0.25  # of the lead that goes with a concept which decides something
GONE = 0.9  # of a concept or a lead: all but gone
IN_SHORT = {  # a mechanism in a line, where no concept stands on the way
    "copying": "is copied from earlier in the text",
    "sequence": "is the next item of a list",
    "agreement": "agrees with an earlier word",
}


def word(token: str) -> str:
    """A token as a word in quotes, without the space it begins with."""
    return quote_token(token.strip() or token)


def at_word(concept: Concept, case: Case) -> str:
    """The word a concept is held at: the whole of it, and which one where the text has it several times."""
    return quote_word_at(case["tokens"], concept.position)


def borne_out(state: State) -> list[Concept]:
    """The concepts on the way that a test bears out, first to last.

    Without it the lead falls, or with another in its place that one's answer comes; that the answer only goes
    with an exchange, which any disturbance may do, is not enough.
    """
    way = (state.get("concepts") or {}).get("path", [])
    held = {claim.concept.id: claim.concept for claim in _tests(state) if _bears_out(claim)}
    return [held[name] for name in way if name in held]


def chain_line(state: State) -> list[Sentence]:
    """The chain in one line: from the word through what is in between to the answer, and the swap."""
    case, way = case_of(state), borne_out(state)
    if not way:
        return _no_chain(state)
    if small := _small_part(state, way):
        return small
    steps = [at_word(way[0], case), *(word(one.name) for one in way), word(case["answer"])]
    steps = [step for at, step in enumerate(steps) if at == 0 or step.casefold() != steps[at - 1].casefold()]
    claims = [claim for claim in _tests(state) if claim.concept in way and _bears_out(claim)]
    ids = tuple(claim.id for claim in claims)
    swap = _telling_swap(state)
    if swap is None:
        removed = {claim.concept.id for claim in claims if isinstance(claim, ConceptEffectClaim)}
        them = "them" if len(way) > 1 else "it"
        by_removal = all(one.id in removed for one in way)
        how = f"tested by taking {them} out" if by_removal else "tested by putting others in their place"
        return [Sentence(f"{' → '.join(steps)}: {how}.", ids)]
    claim, best = swap
    there = at_word(claim.concept, case)
    said = f"{word(best.says[0].token)} ({percent(best.says[0].p)})"
    act = f"exchanging {word(claim.concept.name)} for {word(best.other)} at {there}"
    return [Sentence(f"{' → '.join(steps)}: tested; {act} makes it say {said}.", (*ids, claim.id))]


def _small_part(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """That the concepts that were borne out decide little; nothing where one decides much."""
    case, tests = case_of(state), [claim for claim in _tests(state) if claim.concept in way]
    effects = [claim for claim in tests if isinstance(claim, ConceptEffectClaim)]
    if any(claim.verdict == "supported" for claim in tests if isinstance(claim, ConceptSwapClaim)):
        return []
    for claim in effects:
        turned = claim.says[0].token != case["answer"] and claim.p_answer is not None
        halved = turned and (claim.p_answer or 0.0) <= HALVED * case["predictions"][0]["p"]
        if claim.effect <= -MUCH * abs(claim.lead) or halved:
            return []
    names = join_words([f"{word(one.name)} at {at_word(one, case)}" for one in way])
    play, them = ("plays", "it") if len(way) == 1 else ("play", "them")
    text = f"No single concept decides it: {names} {play} a small part, tested by taking {them} out."
    return [Sentence(text, tuple(claim.id for claim in effects))]


def _bears_out(claim: ConceptEffectClaim | ConceptSwapClaim) -> bool:
    if isinstance(claim, ConceptSwapClaim):
        return claim.verdict == "supported" and not _says_partner(claim)
    return claim.verdict in HOLDING_VERDICTS


def _says_partner(claim: ConceptSwapClaim) -> bool:
    """Whether it only says the word that was put in: that is no look-up by way of it."""
    first = claim.first
    return first is not None and first.says[0].token.strip().casefold() == first.other.strip().casefold()


def _telling_swap(state: State) -> tuple[ConceptSwapClaim, SwapTried] | None:
    """The exchange that was chosen beforehand, where it made another answer come."""
    for claim in every_claim(state, ConceptSwapClaim):
        trivial = case_of(state)["answer_id"] in claim.concept.token_ids
        if claim.first is not None and _bears_out(claim) and not trivial:
            return claim, claim.first
    return None


def _tests(state: State) -> list[ConceptEffectClaim | ConceptSwapClaim]:
    return every_claim(state, ConceptEffectClaim, ConceptSwapClaim)


def _no_chain(state: State) -> list[Sentence]:
    """That no concept on the way was borne out, or could be read, and what that leaves."""
    known, case = state.get("concepts"), case_of(state)
    if known is None:
        return []
    known_how = _mechanisms(state)
    for claim in known_how:
        if claim.mechanism in IN_SHORT:
            text = f"{word(case['answer'])} {IN_SHORT[claim.mechanism]}: tested."
            return [Sentence(text, (claim.id,))]
    for claim in sorted(known_how, key=lambda claim: claim.mechanism != "default"):
        if claim.line:
            return [Sentence(claim.line, (claim.id,))]
    ids = tuple(claim.id for claim in [*_tests(state), *every_claim(state, ConceptsClaim)])
    if known.get("note"):
        return [Sentence(known["note"], (prediction_of(state).id,))]
    if not ids:
        return []
    return [
        Sentence(
            f"No concept on the way to {word(case['answer'])} could be shown: no test bore one out.", ids
        )
    ]


def in_plain_words(state: State) -> list[Sentence]:
    """The paragraph: where each concept is held, what happens without it, and with another in its place."""
    case, out = case_of(state), list[Sentence]()
    way = borne_out(state)
    for number, one in enumerate(way):
        out += _held_there(one, state, case, first=number == 0)
    for claim in every_claim(state, HopClaim):
        if claim.verdict in HOLDING_VERDICTS and {claim.source.id, claim.target.id} <= {
            one.id for one in way
        }:
            out.append(_hop(claim, case))
    out += tell_heads(state, way)
    for swap in every_claim(state, ConceptSwapClaim):
        if swap.concept in way or swap.verdict == "supported":
            out += _swap_told(swap, case)
    out += [Sentence(claim.says, (claim.id,)) for claim in _mechanisms(state) if not _folded(claim, state)]
    out += [] if _decided(state) else _comes_first(state)
    out += [_kind(claim, case) for claim in every_claim(state, ConceptsClaim) if claim.alternatives and way]
    return out


def _mechanisms(state: State) -> list[MechanismClaim]:
    return [claim for claim in every_claim(state, MechanismClaim) if claim.holds]


def _folded(claim: MechanismClaim, state: State) -> bool:
    """Whether which words count is told with the evidence: a concept or a slot says more of it."""
    said = any(one.mechanism == "slot" for one in _mechanisms(state))
    return claim.mechanism == "words" and (said or _decided(state))


def _decided(state: State) -> bool:
    """Whether a concept on the way decides the answer, or much of it."""
    way = borne_out(state)
    return bool(way) and not _small_part(state, way)


def _comes_first(state: State) -> list[Sentence]:
    """From which layer on the answer is what is read at the last word."""
    case = case_of(state)
    for claim in every_claim(state, ConceptsClaim)[-1:]:
        stays, last = stays_first(claim), max((layer for layer, _ in claim.answer_places), default=0)
        if stays is not None and stays < last and case["answer"].strip():
            text = f"At the last word {word(case['answer'])} comes first of all words from layer {stays} on"
            return [Sentence(f"{text}; the last is layer {last}.", (claim.id,))]
    return []


def stays_first(claim: ConceptsClaim) -> int | None:
    """The layer from which on the answer is read first at the last word; None where it is not at the end."""
    places = claim.answer_places
    first = (layer for at, (layer, _) in enumerate(places) if all(place == 1 for _, place in places[at:]))
    return next(first, None)


def _held_there(one: Concept, state: State, case: Case, *, first: bool) -> list[Sentence]:
    """That a concept is held at a word, and what the model says without it."""
    there, name = at_word(one, case), word(one.name)
    tests = [claim for claim in every_claim(state, ConceptEffectClaim) if claim.concept.id == one.id]
    held = [claim for claim in tests if claim.verdict in HOLDING_VERDICTS]
    if one.role == "word":
        what = f"The word {name} itself counts"
    elif one.role == "said before":
        what = f"At {there} it still has {name} in mind"
    elif case["answer_id"] in one.token_ids:
        what = f"At {there} the model has the answer, {name}, in mind already"
    elif first:
        what = f"At {there} the model has {name} in mind, which the text does not say there"
    else:
        what = f"At {there} it then has {name} in mind"
    if not held:
        return []
    claim = held[0]
    return [Sentence(f"{what}: {_without(claim, case)}.", (claim.id, prediction_of(state).id))]


def _without(claim: ConceptEffectClaim, case: Case) -> str:
    """What happens when a concept is taken out."""
    says, answer = claim.says[0], word(case["answer"])
    if says.token != case["answer"]:
        return f"with that taken out it says {word(says.token)} ({percent(says.p)}) instead of {answer}"
    before = case["predictions"][0]["p"]
    if claim.p_answer is not None and claim.p_answer < before:
        return f"with that taken out {answer} falls from {percent(before)} to {percent(claim.p_answer)}"
    return f"with that taken out the lead of {answer} changes by {show_change(claim.effect)}"


def _hop(claim: HopClaim, case: Case) -> Sentence:
    """That an earlier concept brings a later one."""
    there = at_word(claim.target, case)
    much = "all but gone" if claim.effect >= GONE else f"{percent(claim.effect)} weaker"
    text = (
        f"{word(claim.target.name)} at {there} comes from it: without {word(claim.source.name)} it is {much}"
    )
    return Sentence(f"{text}.", (claim.id,))


def _swap_told(claim: ConceptSwapClaim, case: Case) -> list[Sentence]:
    """What each exchange made it say: another's answer, or only no longer the own one."""
    first, there = claim.first, at_word(claim.concept, case)
    if first is None or claim.verdict not in HOLDING_VERDICTS:
        return []
    if case["answer_id"] in claim.concept.token_ids:
        return []  # writing another answer in the place of the answer is no hop
    name, answer = word(claim.concept.name), word(case["answer"])
    said = f"{word(first.says[0].token)} ({percent(first.says[0].p)})"
    put = f"{word(first.other)} in the place of {name} at {there}"
    if claim.verdict == "supported":
        text = f"Put {put}, and it says {said} instead of {answer}"
    elif first.changed:
        text = f"Putting {put} only knocks {answer} out: it then says {said}"
    else:
        text = f"Putting {put} only weakens {answer}: it still says {said}"
    others = [swap for swap in claim.installed if swap is not first]
    if others:
        pairs = [f"{word(swap.other)} brings {word(swap.says[0].token)}" for swap in others[:2]]
        text += f"; {join_words(pairs)}"
    return [Sentence(f"{text}.", (claim.id,))]


def _kind(claim: ConceptsClaim, case: Case) -> Sentence:
    """The likeliest other words of the answer's kind."""
    names = [word(other.token) for other in claim.alternatives[:3]]
    said = f"The likeliest others of the kind of {word(case['answer'])} are {join_words(names)}."
    if len(names) == 1:
        said = f"The likeliest other of the kind of {word(case['answer'])} is {names[0]}."
    return Sentence(said, (claim.id,))


def concept_evidence(state: State) -> list[Sentence]:
    """Every test of a concept with its controls, p and verdict."""
    case, out = case_of(state), list[Sentence]()
    for claim in every_claim(state, ConceptEffectClaim):
        if claim.controls is not None:
            out += [_effect_numbers(claim, case), *tell_elsewhere(claim), *tell_writers(claim, case)]
    out += [show_head_numbers(claim, case) for claim in every_claim(state, HeadClaim)]
    for hop in every_claim(state, HopClaim):
        out.append(_hop_numbers(hop, case))
    out += [Sentence(claim.says, (claim.id,)) for claim in _mechanisms(state) if _folded(claim, state)]
    for swap in every_claim(state, ConceptSwapClaim):
        out += _swap_numbers(swap, case)
    return out


def _effect_numbers(claim: ConceptEffectClaim, case: Case) -> Sentence:
    one, controls = claim.concept, claim.controls
    assert controls is not None
    where = f"{word(one.name)} at {at_word(one, case)} ({_layers(one)})"
    text = f"Taking out {where} changes the lead of {word(case['answer'])} over others of its kind by"
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
    text = f"Without {word(claim.source.name)}, {word(claim.target.name)} at {at_word(claim.target, case)}"
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
    rows = [f"{word(s.says[0].token)} ({percent(s.says[0].p)}) with {word(s.other)}" for s in claim.swaps]
    text = f"With others in the place of {word(one.name)} at {at_word(one, case)} it says {join_words(rows)}."
    first = claim.swaps[0]
    if not controls.n:
        alone = f"No exchange of unrelated words moves the stream as far as {word(first.other)} does"
        alone += f": nothing to compare it with, {claim.verdict}."
        return [Sentence(text, (claim.id,)), Sentence(alone, (claim.id,))]
    others = "pushes along unrelated words" if claim.pushed else "exchanges of unrelated words"
    tested = f"Of {controls.n} {others} that move the stream as far as"
    tested += f" {word(first.other)}, {claim.controls_changed} change the answer"
    brings = "brings" if claim.controls_installed == 1 else "bring"
    tested += f" and {claim.controls_installed} {brings} {word(first.says[0].token)}" if first.changed else ""
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
    """What the tests of concepts leave open."""
    out = list[Sentence]()
    for claim in every_claim(state, ConceptEffectClaim):
        if (
            claim.controls is not None
            and claim.controls.n < claim.asked
            and claim.verdict not in HOLDING_VERDICTS
        ):
            few = claim.controls.n
            text = (
                f"Whether {word(claim.concept.name)} counts is open: {few} of {claim.asked} unrelated words"
            )
            out.append(Sentence(f"{text} move the stream as far as taking it out does.", (claim.id,)))
    case = case_of(state)
    other = case.get("runner_up")
    same = other and other.strip().casefold() == case["answer"].strip().casefold()
    blank = not (other or "").strip() or not case["answer"].strip()
    if blank:
        return out
    if case.get("foil_rule") == "kind" and other and other != case["foil"] and not same:
        text = f"The second most probable word is {word(other)}, which is of another kind."
        ask = f"Ask “why {case['answer'].strip()} rather than {other.strip()}?” about that."
        out.append(Sentence(f"{text} {ask}", (prediction_of(state).id,)))
    return out


def kinds_of(concepts: Sequence[Concept]) -> list[Concept]:
    """The concepts that the text does not say, strongest first."""
    return [one for one in concepts if one.role == "concept"]
