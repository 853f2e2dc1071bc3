"""How the answer came about, in terms of concepts: one line, a paragraph, the evidence. Reads the ledger.

A concept in the middle is named only where a test bears it out; where none does, less is said.
"""

import re
from collections.abc import Sequence

from agent.answers.carrier_sentences import tell_heads, tell_looks
from agent.answers.last_word_sentences import comes_first
from agent.answers.route_sentences import tell_route
from agent.core import (
    WORD_DECIDES,
    Case,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    ExplainedClaim,
    HeadClaim,
    HopClaim,
    MechanismClaim,
    NextToken,
    State,
    case_of,
    every_claim,
    is_mark,
    join_words,
    percent,
    prediction_of,
    quote_word,
    quote_word_at,
    show_change,
)
from agent.evidence import HOLDING_VERDICTS, Sentence, bears_out, decides_much, held_concepts, installs

IDLE = 0.75  # of the answer's probability, which is left at least without a concept that counts for little
STEM = 3  # letters by which a word is told from another form of it
HARDLY = 0.9  # without one that hardly counts
ALIKE = 0.05  # of a probability: what is left of the answer and of its kind, told once
GONE = 0.9  # of a concept or a lead: all but gone
IN_SHORT = {  # a mechanism in a line, where no concept stands on the way
    "copying": "is copied from earlier in the text",
    "sequence": "is the next item of a list",
    "agreement": "agrees with an earlier word",
}


def said_then(token: NextToken) -> str:
    """A next token and its probability; what is no text to the model is called so."""
    said = f"{quote_word(token.token)} ({percent(token.p)})"
    return f"no word but a mark of its own, {said}," if is_mark(token.token) else said


def at_word(concept: Concept, case: Case) -> str:
    """The word a concept is held at: the whole of it, and which one where the text has it several times."""
    return quote_word_at(case["tokens"], concept.position)


def borne_out(state: State) -> list[Concept]:
    """The concepts on the way that a test bears out, first to last."""
    way = (state.get("concepts") or {}).get("path", [])
    held = held_concepts(concept_tests_of(state))
    return [held[name] for name in way if name in held]


def explains_nothing(state: State) -> bool:
    """Whether what is named keeps no more of the lead by itself than as many others drawn at random do."""
    found = [claim for claim in every_claim(state, ExplainedClaim) if claim.concepts]
    return any(claim.share <= max(claim.largest, 0.0) for claim in found[-1:])


def chain_decides(state: State) -> bool:
    """Whether the concepts on the way decide much of the answer, and keep more of it than chance does."""
    much = decides_much(concept_tests_of(state), borne_out(state), case_of(state))
    return much and not explains_nothing(state)


def names_beside(state: State) -> list[Concept]:
    """Another name of what is held where the answer is looked up, where its test bears it out too."""
    name = (state.get("concepts") or {}).get("beside")
    return [
        claim.concept for claim in concept_tests_of(state) if claim.concept.id == name and bears_out(claim)
    ][:1]


def concept_tests_of(state: State) -> list[ConceptEffectClaim | ConceptSwapClaim]:
    """The tests of concepts: those that take one out, and those that put another in its place."""
    return every_claim(state, ConceptEffectClaim, ConceptSwapClaim)


def in_plain_words(state: State) -> list[Sentence]:
    """The paragraph: where each concept is held, what happens without it, and with another in its place."""
    case, out = case_of(state), list[Sentence]()
    way = borne_out(state)
    little = bool(way) and not chain_decides(state)
    out += _mechanisms_told(state) if little else []
    out += tell_way(state, way)
    out += _taken_on(state, way) if way and not little else []
    out += tell_exchanges(state, way)
    out += [] if little else _mechanisms_told(state)
    out += comes_first(state)
    out += [] if way else _idle(state)
    out += [_kind(claim, case) for claim in every_claim(state, ConceptsClaim) if claim.alternatives and way]
    return out


def tell_way(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """Where each concept on the way is held, what the model says without it, and what it comes from."""
    case, out, ids = case_of(state), list[Sentence](), {one.id for one in way}
    for number, one in enumerate(way):
        out += _held_there(one, state, case, first=number == 0)
        for other in (other for other in names_beside(state) if other.position == one.position):
            out += _held_too(other, state, case)
    for claim in every_claim(state, HopClaim):
        if claim.verdict in HOLDING_VERDICTS and {claim.source.id, claim.target.id} <= ids:
            out.append(_hop(claim, case))
    return out


def tell_exchanges(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """What others in the place of each concept made the model say."""
    held = {one.id for one in way} | set(held_concepts(concept_tests_of(state)))
    swaps = [swap for swap in every_claim(state, ConceptSwapClaim) if swap.concept.id in held]
    return [sentence for swap in swaps for sentence in _swap_told(swap, case_of(state))]


def _mechanisms_told(state: State) -> list[Sentence]:
    """The mechanisms whose tests hold; behind the one that names a word, the head that brings it."""
    told = [claim for claim in held_mechanisms(state) if not is_folded(claim, state)]
    out, source = list[Sentence](), source_of(state)
    heads = [] if chain_decides(state) else _taken_on(state, [*source, *borne_out(state)], of_word=True)
    for claim in told:
        out.append(Sentence(claim.says, (claim.id,)))
        if claim.mechanism in (*IN_SHORT, "words"):
            out, heads = [*out, *heads], []
    return [*out, *heads]


def _taken_on(state: State, held: Sequence[Concept], *, of_word: bool = False) -> list[Sentence]:
    """How what is held at a word gets to the last one: its way where that was followed, else the head."""
    route, heads = tell_route(state), tell_heads(state, held, of_word=of_word)
    return [*route, *tell_looks(state, held)] if route else heads


def _from_text(told: Sequence[MechanismClaim]) -> bool:
    return any(claim.mechanism in IN_SHORT for claim in told)


def source_of(state: State) -> list[Concept]:
    """The word that the answer comes from or hangs on most, where a head that brings it was tested."""
    name = (state.get("concepts") or {}).get("source")
    return [claim.concept for claim in every_claim(state, HeadClaim) if claim.concept.id == name]


def held_mechanisms(state: State) -> list[MechanismClaim]:
    """The claims of mechanisms whose tests hold."""
    return [claim for claim in every_claim(state, MechanismClaim) if claim.holds]


def tells_how(state: State) -> bool:
    """Whether a mechanism whose test holds says how the answer comes about, or which words decide it."""
    held = held_mechanisms(state)
    decides = any(claim.mechanism == "words" and claim.shown[0] <= WORD_DECIDES for claim in held)
    return decides or _from_text(held)


def is_folded(claim: MechanismClaim, state: State) -> bool:
    """Whether it is told with the evidence: the words where something says more, a slot where they do.

    A slot says no more than the words where its kind goes with the same word as the answer itself; what is
    said whatever stands in one place is of no use where another word decides.
    """
    if claim.mechanism == "words":
        chain = installs(concept_tests_of(state), borne_out(state)) and not explains_nothing(state)
        return chain or _from_text(held_mechanisms(state))
    words = [other.shown[0] for other in held_mechanisms(state) if other.mechanism == "words"]
    if claim.mechanism == "default":
        return any(kept <= WORD_DECIDES for kept in words)
    return claim.mechanism == "slot" and any(abs(kept - claim.shown[0]) <= ALIKE for kept in words)


def _held_there(one: Concept, state: State, case: Case, *, first: bool) -> list[Sentence]:
    """That a concept is held at a word, and what the model says without it."""
    there, name = at_word(one, case), quote_word(one.name)
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


def _held_too(one: Concept, state: State, case: Case) -> list[Sentence]:
    """That another name of what is held at a word counts as well."""
    test = next(claim for claim in every_claim(state, ConceptEffectClaim) if claim.concept.id == one.id)
    text = f"{quote_word(one.name)} is in mind there too, and counts: {_without(test, case)}."
    return [Sentence(text, (test.id, prediction_of(state).id))]


def _idle(state: State) -> list[Sentence]:
    """That the model has something in mind which does not count for this answer."""
    case, claim = case_of(state), find_idle_test(state)
    if claim is None or claim.p_answer is None:
        return []
    before, after = case["predictions"][0]["p"], claim.p_answer
    little = "hardly counts" if after >= HARDLY * before else "counts for little"
    if after > before / HARDLY:
        little = "does not help"
    text = (
        f"At {at_word(claim.concept, case)} it has {quote_word(claim.concept.name)} in mind, which {little}"
    )
    text += f" here: with that taken out {quote_word(case['answer'])} "
    same = percent(before) == percent(after)
    text += f"stays at {percent(after)}" if same else f"goes from {percent(before)} to {percent(after)}"
    return [Sentence(f"{text}.", (claim.id, prediction_of(state).id))]


def find_idle_test(state: State) -> ConceptEffectClaim | None:
    """The test of what is in mind and does not count; None where the text itself says the word, or nearly so.

    "Potter" at "Harry", "Wolf" at "wolves".
    """
    case, idle = case_of(state), (state.get("concepts") or {}).get("idle")
    written = {token.strip().casefold()[:STEM] for token in case["tokens"]}
    for claim in every_claim(state, ConceptEffectClaim):
        before, after = case["predictions"][0]["p"], claim.p_answer
        if claim.concept.id != idle or after is None or after < IDLE * before:
            continue
        return None if claim.concept.name.strip().casefold()[:STEM] in written else claim
    return None


def _without(claim: ConceptEffectClaim, case: Case) -> str:
    """What happens when a concept is taken out."""
    says, answer = claim.says[0], quote_word(case["answer"])
    before = case["predictions"][0]["p"]
    if says.token != case["answer"]:
        text = f"with that taken out it says {said_then(says)} instead of {answer}"
        if claim.p_answer is None or percent(claim.p_answer) == percent(before):
            return text
        return f"{text}, which falls from {percent(before)} to {percent(claim.p_answer)}"
    if claim.p_answer is not None and claim.p_answer < before:
        return f"with that taken out {answer} falls from {percent(before)} to {percent(claim.p_answer)}"
    return f"with that taken out the lead of {answer} changes by {show_change(claim.effect)}"


def _hop(claim: HopClaim, case: Case) -> Sentence:
    """That an earlier concept brings a later one."""
    there = at_word(claim.target, case)
    much = "all but gone" if claim.effect >= GONE else f"{percent(claim.effect)} weaker"
    text = (
        f"{quote_word(claim.target.name)} at {there} comes from it: without "
        f"{quote_word(claim.source.name)} it is {much}"
    )
    return Sentence(f"{text}.", (claim.id,))


def _swap_told(claim: ConceptSwapClaim, case: Case) -> list[Sentence]:
    """What each exchange made it say: another's answer, or only no longer the own one."""
    first, there = claim.first, at_word(claim.concept, case)
    if first is None or claim.verdict not in HOLDING_VERDICTS:
        return []
    if case["answer_id"] in claim.concept.token_ids:
        return []  # writing another answer in the place of the answer is no hop
    name, answer = quote_word(claim.concept.name), quote_word(case["answer"])
    said = said_then(first.says[0])
    put = f"{quote_word(first.other)} in the place of {name} at {there}"
    if claim.verdict == "supported":
        text = f"Put {put}, and it says {said} instead of {answer}"
    elif first.changed and claim.installed:
        text = f"Put {put}, and {answer} is knocked out: it says {said}"
    elif first.changed:
        text = f"Putting {put} only knocks {answer} out: it then says {said}"
    else:
        text = f"Putting {put} only weakens {answer}: it still says {said}"
    others = [swap for swap in claim.installed if swap is not first]
    if others:
        pairs = [f"{quote_word(swap.other)} brings {quote_word(swap.says[0].token)}" for swap in others[:2]]
        text += f"; {join_words(pairs)}"
    return [Sentence(f"{text}.", (claim.id,))]


def _kind(claim: ConceptsClaim, case: Case) -> Sentence:
    """The likeliest other words of the answer's kind."""
    names = [quote_word(other.token) for other in claim.alternatives[:3]]
    said = f"The likeliest others of the kind of {quote_word(case['answer'])} are {join_words(names)}."
    if len(names) == 1:
        said = f"The likeliest other of the kind of {quote_word(case['answer'])} is {names[0]}."
    return Sentence(said, (claim.id,))


def tell_no_lens(state: State) -> list[Sentence]:
    """Why no concept could be read, and what is done about it; nothing where there is a lens."""
    note = (state.get("concepts") or {}).get("note", "")
    short = f"{note.partition(':')[0].rstrip('.')}."  # why may hold numbers, which nothing measured
    return [Sentence(short if re.search(r"\d", note) else note, (prediction_of(state).id,))] if note else []


def kinds_of(concepts: Sequence[Concept]) -> list[Concept]:
    """The concepts that the text does not say, strongest first."""
    return [one for one in concepts if one.role == "concept"]
