"""How the answer came about, in terms of concepts: one line, a paragraph, the evidence. Reads the ledger.

A concept in the middle is named only where a test bears it out; where none does, less is said.
"""

import re
from collections.abc import Sequence

from agent.answers.carrier_sentences import held_heads, tell_heads
from agent.answers.last_word_sentences import comes_first
from agent.core import (
    WORD_DECIDES,
    Case,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    HeadClaim,
    HopClaim,
    MechanismClaim,
    NextToken,
    State,
    SwapTried,
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
from agent.evidence import HOLDING_VERDICTS, Sentence, bears_out, decides_much, installs

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
    held = {claim.concept.id: claim.concept for claim in _tests(state) if bears_out(claim)}
    return [held[name] for name in way if name in held]


def chain_line(state: State) -> list[Sentence]:
    """The chain in one line: from the word through what is in between to the answer, and the swap."""
    case, way = case_of(state), borne_out(state)
    if not way:
        return _no_chain(state)
    if small := _small_part(state, way):
        return _deciding_words(state) or small
    steps = [at_word(way[0], case), *_names(state, way), quote_word(case["answer"])]
    steps = [step for at, step in enumerate(steps) if at == 0 or step.casefold() != steps[at - 1].casefold()]
    shown = [*way, *_beside(state)]
    claims = [claim for claim in _tests(state) if claim.concept in shown and bears_out(claim)]
    ids = tuple(claim.id for claim in claims)
    swap = _telling_swap(state)
    if swap is None:
        removed = {claim.concept.id for claim in claims if isinstance(claim, ConceptEffectClaim)}
        them = "them" if len(shown) > 1 else "it"
        by_removal = all(one.id in removed for one in way)
        how = f"tested by taking {them} out" if by_removal else "tested by putting others in their place"
        open_name, tried = _open_name(state, way)
        return [Sentence(f"{' → '.join(steps)}: {how}{open_name}.", (*ids, *tried))]
    claim, best = swap
    there = at_word(claim.concept, case)
    said = said_then(best.says[0])
    act = f"exchanging {quote_word(claim.concept.name)} for {quote_word(best.other)} at {there}"
    return [Sentence(f"{' → '.join(steps)}: tested; {act} makes it say {said}.", (*ids, claim.id))]


def _open_name(state: State, way: Sequence[Concept]) -> tuple[str, tuple[str, ...]]:
    """That no exchange bears out what a concept of the way means, where one was tried; with the claim."""
    for claim in every_claim(state, ConceptSwapClaim):
        if claim.concept in way and not claim.installed and not bears_out(claim):
            name = quote_word(claim.concept.name)
            text = "no exchange brings another's answer, so"
            return f"; {text} {name} is only the nearest word for what counts there", (claim.id,)
    return "", ()


def _beside(state: State) -> list[Concept]:
    """Another name of what is held where the answer is looked up, where its test bears it out too."""
    name = (state.get("concepts") or {}).get("beside")
    return [claim.concept for claim in _tests(state) if claim.concept.id == name and bears_out(claim)][:1]


def _names(state: State, way: Sequence[Concept]) -> list[str]:
    """The names of the way, with another name of the same place: before the answer, behind what is none."""
    answer, out = case_of(state)["answer_id"], [quote_word(one.name) for one in way]
    for other in _beside(state):
        at = next((i for i, one in enumerate(way) if one.position == other.position), None)
        if at is not None and answer in way[at].token_ids:
            out.insert(at, quote_word(other.name))
        elif at is not None:
            out[at] += f" ({quote_word(other.name)})"
    return out


def _small_part(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """That the concepts that were borne out decide little; nothing where one decides much."""
    case, tests = case_of(state), [claim for claim in _tests(state) if claim.concept in way]
    if decides_much(tests, way, case):
        return []
    effects = [claim for claim in tests if isinstance(claim, ConceptEffectClaim)]
    names = join_words([f"{quote_word(one.name)} at {at_word(one, case)}" for one in way])
    play, them = ("plays", "it") if len(way) == 1 else ("play", "them")
    text = f"No single concept decides it: {names} {play} a small part, tested by taking {them} out."
    return [Sentence(text, tuple(claim.id for claim in effects))]


def _telling_swap(state: State) -> tuple[ConceptSwapClaim, SwapTried] | None:
    """The exchange that was chosen beforehand, where it made another answer come."""
    for claim in every_claim(state, ConceptSwapClaim):
        trivial = case_of(state)["answer_id"] in claim.concept.token_ids
        if claim.first is not None and bears_out(claim) and not trivial:
            return claim, claim.first
    return None


def _tests(state: State) -> list[ConceptEffectClaim | ConceptSwapClaim]:
    return every_claim(state, ConceptEffectClaim, ConceptSwapClaim)


def _no_chain(state: State) -> list[Sentence]:
    """That no concept on the way was borne out, or could be read, and what that leaves."""
    known, case = state.get("concepts"), case_of(state)
    if known is None:
        return []
    known_how = held_mechanisms(state)
    for claim in known_how:
        if claim.mechanism in IN_SHORT:
            text = claim.line or f"{quote_word(case['answer'])} {IN_SHORT[claim.mechanism]}: tested."
            return [Sentence(text, (claim.id,))]
    for claim in sorted(known_how, key=lambda claim: claim.mechanism != "default"):
        if claim.line and not is_folded(claim, state):
            return [*_unused(state), Sentence(claim.line, (claim.id,)), *_brought(claim, state)]
    ids = tuple(claim.id for claim in [*_tests(state), *every_claim(state, ConceptsClaim)])
    if note := known.get("note"):
        short = f"{note.partition(':')[0].rstrip('.')}."  # why may hold numbers, which nothing measured
        return [Sentence(short if re.search(r"\d", note) else note, (prediction_of(state).id,))]
    if not ids:
        return []
    return [
        Sentence(
            f"No concept on the way to {quote_word(case['answer'])} could be shown: no test bore one out.",
            ids,
        )
    ]


def _deciding_words(state: State) -> list[Sentence]:
    """The words of the text that the answer hangs on, in a line; nothing where none decides."""
    words = [claim for claim in held_mechanisms(state) if claim.mechanism == "words"]
    return [Sentence(claim.line, (claim.id,)) for claim in words if claim.shown[0] <= WORD_DECIDES]


def _brought(claim: MechanismClaim, state: State) -> list[Sentence]:
    """In a line, which head brings what is held at the word that counts most."""
    if claim.mechanism != "words":
        return []
    case, out = case_of(state), list[Sentence]()
    for head in held_heads(state, _source(state))[:1]:
        there, here = (quote_word_at(case["tokens"], at) for at in (head.concept.position, head.target))
        text = f"Attention head {head.name} brings what is held at {there} to {here}: tested."
        out.append(Sentence(text, (head.id,)))
    return out


def in_plain_words(state: State) -> list[Sentence]:
    """The paragraph: where each concept is held, what happens without it, and with another in its place."""
    case, out = case_of(state), list[Sentence]()
    way = borne_out(state)
    for number, one in enumerate(way):
        out += _held_there(one, state, case, first=number == 0)
        for other in (other for other in _beside(state) if other.position == one.position):
            out += _held_too(other, state, case)
    for claim in every_claim(state, HopClaim):
        if claim.verdict in HOLDING_VERDICTS and {claim.source.id, claim.target.id} <= {
            one.id for one in way
        }:
            out.append(_hop(claim, case))
    out += tell_heads(state, way)
    for swap in every_claim(state, ConceptSwapClaim):
        if swap.concept in way or bears_out(swap):
            out += _swap_told(swap, case)
    out += _mechanisms_told(state)
    out += comes_first(state)
    out += [] if way else _idle(state)
    out += [_kind(claim, case) for claim in every_claim(state, ConceptsClaim) if claim.alternatives and way]
    return out


def _mechanisms_told(state: State) -> list[Sentence]:
    """The mechanisms whose tests hold; behind the one that names a word, the head that brings it."""
    told = [claim for claim in held_mechanisms(state) if not is_folded(claim, state)]
    out, heads = list[Sentence](), tell_heads(state, _source(state), what="what is held there")
    for claim in told:
        out.append(Sentence(claim.says, (claim.id,)))
        if claim.mechanism in (*IN_SHORT, "words"):
            out += heads
    return out


def _from_text(told: Sequence[MechanismClaim]) -> bool:
    return any(claim.mechanism in IN_SHORT for claim in told)


def _source(state: State) -> list[Concept]:
    """The word that the answer comes from or hangs on most, where a head that brings it was tested."""
    name = (state.get("concepts") or {}).get("source")
    return [claim.concept for claim in every_claim(state, HeadClaim) if claim.concept.id == name]


def held_mechanisms(state: State) -> list[MechanismClaim]:
    """The claims of mechanisms whose tests hold."""
    return [claim for claim in every_claim(state, MechanismClaim) if claim.holds]


def is_folded(claim: MechanismClaim, state: State) -> bool:
    """Whether it is told with the evidence: the words where something says more, a slot where they do.

    A slot says no more than the words where its kind goes with the same word as the answer itself; what is
    said whatever stands in one place is of no use where another word decides.
    """
    if claim.mechanism == "words":
        return installs(_tests(state), borne_out(state)) or _from_text(held_mechanisms(state))
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
    case, claim = case_of(state), _idle_test(state)
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


def _unused(state: State) -> list[Sentence]:
    """The same in a line."""
    claim, case = _idle_test(state), case_of(state)
    if claim is None or (claim.p_answer or 0.0) < HARDLY * case["predictions"][0]["p"]:
        return []
    name, there = quote_word(claim.concept.name), at_word(claim.concept, case)
    text = f"It has {name} in mind at {there} and does not use it for {quote_word(case['answer'])}: tested."
    return [Sentence(text, (claim.id,))]


def _idle_test(state: State) -> ConceptEffectClaim | None:
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


def kinds_of(concepts: Sequence[Concept]) -> list[Concept]:
    """The concepts that the text does not say, strongest first."""
    return [one for one in concepts if one.role == "concept"]
