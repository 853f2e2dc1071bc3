"""The answer in one line: the chain of concepts, or what else was shown. Reads the ledger."""

from collections.abc import Sequence

from agent.answers.carrier_sentences import held_heads
from agent.answers.concept_sentences import (
    HARDLY,
    IN_SHORT,
    STEM,
    at_word,
    borne_out,
    concept_tests_of,
    explains_nothing,
    find_idle_test,
    held_mechanisms,
    is_folded,
    names_beside,
    said_then,
    source_of,
    tell_no_lens,
)
from agent.answers.route_sentences import tell_route_in_line
from agent.core import (
    WORD_DECIDES,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    MechanismClaim,
    State,
    SwapTried,
    case_of,
    every_claim,
    join_words,
    quote_word,
    quote_word_at,
)
from agent.evidence import Sentence, bears_out, decides_much, held_concepts


def chain_line(state: State) -> list[Sentence]:
    """The chain in one line: from the word through what is in between to the answer, and the swap."""
    case, way = case_of(state), borne_out(state)
    if not way:
        return _no_chain(state)
    if small := _small_part(state, way):
        words = _deciding_words(state)
        return [*words, *tell_route_in_line(state)] if words else small
    steps = [at_word(way[0], case), *_names(state, way), quote_word(case["answer"])]
    steps = [step for at, step in enumerate(steps) if at == 0 or step.casefold() != steps[at - 1].casefold()]
    shown = [*way, *names_beside(state)]
    claims = [claim for claim in concept_tests_of(state) if claim.concept in shown and bears_out(claim)]
    ids = tuple(claim.id for claim in claims)
    swap, before = _telling_swap(state), _deciding_words(state) if explains_nothing(state) else []
    if swap is None:
        removed = {claim.concept.id for claim in claims if isinstance(claim, ConceptEffectClaim)}
        them = "them" if len(shown) > 1 else "it"
        by_removal = all(one.id in removed for one in way)
        how = f"tested by taking {them} out" if by_removal else "tested by putting others in their place"
        open_name, tried = _open_name(state, way)
        how += _beside_the_answer(state, way)
        chain = Sentence(f"{' → '.join(steps)}: {how}{open_name}.", (*ids, *tried))
        if open_name and not before:
            before = _deciding_words(state, that_turn=True)
        if before:
            return [*before, *tell_route_in_line(state), chain]
        return [chain, *tell_route_in_line(state, exchange=True)]
    claim, best = swap
    there = at_word(claim.concept, case)
    said = said_then(best.says[0])
    act = f"exchanging {quote_word(claim.concept.name)} for {quote_word(best.other)} at {there}"
    chain = Sentence(f"{' → '.join(steps)}: tested; {act} makes it say {said}.", (*ids, claim.id))
    return [*before, *tell_route_in_line(state), chain] if before else [chain, *tell_route_in_line(state)]


def _open_name(state: State, way: Sequence[Concept]) -> tuple[str, tuple[str, ...]]:
    """That no exchange bears out what a concept of the way means, where one was tried; with the claim."""
    said = case_of(state)["answer_id"]
    for claim in every_claim(state, ConceptSwapClaim):
        itself = said in claim.concept.token_ids
        if claim.concept in way and not itself and not claim.installed and not bears_out(claim):
            name = quote_word(claim.concept.name)
            text = "no exchange brings another's answer, so"
            return f"; {text} {name} is only the nearest word for what counts there", (claim.id,)
    return "", ()


def _names(state: State, way: Sequence[Concept]) -> list[str]:
    """The names of the way, up to the answer itself, with another name of the same place.

    That stands in brackets; none beside the answer itself, to which it need not lead.
    """
    case = case_of(state)
    reached = next((at for at, one in enumerate(way) if case["answer_id"] in one.token_ids), len(way))
    out = [quote_word(one.name) for one in way[: reached + 1]]
    for other in names_beside(state):
        at = next((i for i, one in enumerate(way) if one.position == other.position), None)
        if at is not None and at < reached:
            out[at] += f" ({quote_word(other.name)})"
    return out


def _beside_the_answer(state: State, way: Sequence[Concept]) -> str:
    """That a name is in mind where the answer itself is already; not the answer in another form."""
    case = case_of(state)
    places = {one.position for one in way if case["answer_id"] in one.token_ids}
    for other in names_beside(state):
        if other.position in places and not _is_form(other.name, case["answer"]):
            return f"; {quote_word(other.name)} is in mind there too" if other.name[:1].isupper() else ""
    return ""


def _is_form(name: str, answer: str) -> bool:
    """Whether a name begins like the answer: "Roman", "Rome"."""
    return name.casefold()[:STEM] == answer.strip().casefold()[:STEM]


def _small_part(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """That the concepts that were borne out decide little; nothing where one decides much."""
    case, tests = case_of(state), [claim for claim in concept_tests_of(state) if claim.concept in way]
    if decides_much(tests, way, case):
        return []
    effects = [claim for claim in tests if isinstance(claim, ConceptEffectClaim)]
    names = join_words([f"{quote_word(one.name)} at {at_word(one, case)}" for one in way])
    play, them = ("plays", "it") if len(way) == 1 else ("play", "them")
    text = f"No single concept decides it: {names} {play} a small part, tested by taking {them} out."
    return [Sentence(text, tuple(claim.id for claim in effects))]


def _telling_swap(state: State) -> tuple[ConceptSwapClaim, SwapTried] | None:
    """The exchange that was chosen beforehand, where it made another answer come."""
    held = held_concepts(concept_tests_of(state))
    for claim in every_claim(state, ConceptSwapClaim):
        if claim.concept.id not in held:
            continue
        trivial = case_of(state)["answer_id"] in claim.concept.token_ids
        if claim.first is not None and bears_out(claim) and not trivial:
            return claim, claim.first
    return None


def _no_chain(state: State) -> list[Sentence]:
    """That no concept on the way was borne out, or could be read, and what that leaves."""
    known, case = state.get("concepts"), case_of(state)
    if known is None:
        return []
    known_how = held_mechanisms(state)
    for claim in known_how:
        if claim.mechanism in IN_SHORT:
            text = claim.line or f"{quote_word(case['answer'])} {IN_SHORT[claim.mechanism]}: tested."
            return [Sentence(text, (claim.id,)), *tell_route_in_line(state)]
    for claim in sorted(known_how, key=lambda claim: claim.mechanism != "default"):
        if claim.line and not is_folded(claim, state):
            return [Sentence(claim.line, (claim.id,)), *_brought(claim, state), *_unused(state)]
    ids = tuple(claim.id for claim in [*concept_tests_of(state), *every_claim(state, ConceptsClaim)])
    if unread := tell_no_lens(state):
        return unread
    if not ids:
        return []
    return [
        Sentence(
            f"No concept on the way to {quote_word(case['answer'])} could be shown: no test bore one out.",
            ids,
        )
    ]


def _deciding_words(state: State, that_turn: bool = False) -> list[Sentence]:
    """The words of the text that the answer hangs on, in a line; nothing where none decides.

    `that_turn`: only where another word like one of them was shown to bring another answer.
    """
    words = [claim for claim in held_mechanisms(state) if claim.mechanism == "words"]
    told = [claim for claim in words if claim.shown[0] <= WORD_DECIDES and (claim.turns or not that_turn)]
    return [Sentence(claim.line, (claim.id,)) for claim in told]


def _brought(claim: MechanismClaim, state: State) -> list[Sentence]:
    """In a line, which head brings what is held at the word that counts most."""
    if claim.mechanism != "words":
        return []
    if route := tell_route_in_line(state):
        return route
    case, out = case_of(state), list[Sentence]()
    for head in held_heads(state, source_of(state))[:1]:
        there, here = (quote_word_at(case["tokens"], at) for at in (head.concept.position, head.target))
        text = f"Attention head {head.name} looks back at {there} from {here} for it: tested."
        out.append(Sentence(text, (head.id,)))
    return out


def _unused(state: State) -> list[Sentence]:
    """In a line, what the model has in mind and does not use."""
    claim, case = find_idle_test(state), case_of(state)
    if claim is None or (claim.p_answer or 0.0) < HARDLY * case["predictions"][0]["p"]:
        return []
    name, there = quote_word(claim.concept.name), at_word(claim.concept, case)
    text = f"It has {name} in mind at {there} and does not use it for {quote_word(case['answer'])}: tested."
    return [Sentence(text, (claim.id,))]
