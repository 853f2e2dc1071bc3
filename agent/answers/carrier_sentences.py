"""What writes a concept, what carries it, how much of the answer that explains. Reads the ledger."""

from collections.abc import Sequence

from agent.answers.sentences import name_group
from agent.core import (
    Case,
    Concept,
    ConceptEffectClaim,
    ExplainedClaim,
    HeadClaim,
    MechanismClaim,
    State,
    case_of,
    every_claim,
    format_p,
    groups_of,
    join_words,
    percent,
    quote_word,
    quote_word_at,
    show_change,
    show_size,
    terms_of,
)
from agent.evidence import HOLDING_VERDICTS, Sentence

NAMED = 3  # neurons that are named as a concept's writers
LITTLE, MOST_OF_IT, NEARLY_ALL, OVERSHOOT = 0.15, 0.6, 0.95, 1.2  # of the lead
COUNTS = 0.05  # of the lead that goes without a head that is worth a sentence
WRITES = 0.03  # of what all neurons add, from which one is named


def held_heads(state: State, way: Sequence[Concept]) -> list[HeadClaim]:
    """The heads whose tests hold that bring one of these to a later word, and enough to be told."""
    on_way = {one.id for one in way}
    return [
        claim
        for claim in every_claim(state, HeadClaim)
        if claim.verdict in HOLDING_VERDICTS and claim.share <= -COUNTS and claim.concept.id in on_way
    ]


def tell_heads(state: State, way: Sequence[Concept], *, of_word: bool = False) -> list[Sentence]:
    """Which head brings a concept, or what is held at a word, to a later word, and why it looks there."""
    case = case_of(state)
    return [
        sentence
        for claim in held_heads(state, way)
        for sentence in (_brings(claim, case, of_word), *_looks_there(claim, case))
    ]


def tell_looks(state: State, way: Sequence[Concept]) -> list[Sentence]:
    """Why the head that brings it looks there, where a test shows it."""
    case = case_of(state)
    return [one for claim in held_heads(state, way) for one in _looks_there(claim, case, named=True)]


def _brings(claim: HeadClaim, case: Case, of_word: bool) -> Sentence:
    there, here = (_at(case, position) for position in (claim.concept.position, claim.target))
    head = f"attention head, {claim.name},"
    text = f"An {head} brings it from {there} to {here}: without what it brings"
    if of_word:
        text = f"At {here} an {head} looks back at {there}: without what it brings from there"
    text += f" the lead of {quote_word(case['answer'])} falls by {percent(abs(claim.share))}"
    some = {0: "no other head's view of that word counts as much", 1: "one other head's view counts as much"}
    more = some.get(claim.louder, f"the views of {claim.louder} other heads count as much")
    return Sentence(f"{text}, and {more}.", (claim.id,))


def _looks_there(claim: HeadClaim, case: Case, *, named: bool = False) -> list[Sentence]:
    """Why the head looks there: what is held at the word it looks at, and at the one it looks from."""
    parts = [
        f"{quote_word(cue.name)} at {_at(case, cue.position)}, without which {percent(cue.attention)} is left"
        for cue in claim.cues
    ]
    if not parts:
        return []
    looked = f"It gives that word {percent(claim.attention)} of its attention there because of"
    if named:
        looked = (
            f"Head {claim.name} gives {_at(case, claim.concept.position)} {percent(claim.attention)} of its"
        )
        looked += " attention there because of"
    return [Sentence(f"{looked} {join_words(parts)}.", (claim.id,))]


def show_head_numbers(claim: HeadClaim, case: Case) -> Sentence:
    """The test of a head with its controls, p and verdict."""
    there, here = (_at(case, position) for position in (claim.concept.position, claim.target))
    text = (
        f"At {here} head {claim.name} gives {there} {percent(claim.attention)} of its attention; without what"
    )
    text += (
        f" it brings from there the lead changes by {show_change(claim.effect)} of {show_size(claim.lead)}"
    )
    if claim.p is None or claim.controls is None:
        return Sentence(f"{text}.", (claim.id,))
    text += f"; of {claim.controls.n} other heads between the same words {claim.louder} change it as much"
    return Sentence(f"{text} (p = {format_p(claim.p)}): {claim.verdict}.", (claim.id,))


def show_cue_numbers(claim: HeadClaim, case: Case) -> list[Sentence]:
    """What each reason of a look was compared with."""
    out = []
    for cue in claim.cues:
        there = _at(case, cue.position)
        text = f"With {quote_word(cue.name)} taken out of what enters layer {claim.layer} at {there},"
        text += f" {percent(cue.attention)} of that attention is left; of {cue.asked} unrelated words"
        some = f"{cue.louder} leave" if cue.louder > 1 else "1 leaves" if cue.louder else "none leaves"
        text += f" that move the stream as far {some} as little ({cue.tried} words were tried there)."
        out.append(Sentence(text, (claim.id,)))
    return out


def tell_writers(claim: ConceptEffectClaim, case: Case) -> list[Sentence]:
    """The neurons that write a concept at its word, and the strongest that works against it."""
    write = [one for one in claim.writers if one.share >= WRITES][:NAMED]
    against = [one for one in claim.writers if one.share <= -WRITES][:1]
    if not write:
        return []
    name, there = quote_word(claim.concept.name), _at(case, claim.concept.position)
    parts = [f"{one.feature} ({percent(one.share)} of what all neurons add)" for one in write[:1]]
    parts += [f"{one.feature} ({percent(one.share)})" for one in write[1:]]
    text = f"What writes {name} at {there} most is {join_words(parts)}"
    text += "".join(f"; {one.feature} writes against it" for one in against)
    return [Sentence(f"{text}.", (claim.id,))]


def tell_elsewhere(claim: ConceptEffectClaim) -> list[Sentence]:
    """Whether the same change does anything to texts on other things."""
    if claim.elsewhere is None:
        return []
    texts, changed = claim.elsewhere.texts, claim.elsewhere.changed
    text = (
        f"Taken out of {texts} texts on other things, {quote_word(claim.concept.name)} "
        "changes the next word of"
    )
    return [Sentence(f"{text} {changed if changed else 'none'} of them.", (claim.id,))]


def tell_explained(state: State) -> list[Sentence]:
    """How much of the lead what is named here keeps by itself."""
    case = case_of(state)
    for claim in reversed(every_claim(state, ExplainedClaim)):
        names = join_words([*(quote_word(name) for name in _names(claim, state)), *_groups(claim, state)])
        one = len(claim.about()) == 1
        text = f"By {'itself' if one else 'themselves'} {names} {'keeps' if one else 'keep'}"
        much = percent(claim.share) if claim.share > 0 else "nothing"
        much = "more than all" if claim.share > OVERSHOOT else much
        others = "nothing" if claim.largest <= 0 else percent(claim.largest)
        others = "more than all of it" if claim.largest > OVERSHOOT else others
        text += (
            f" {much} of the lead of {quote_word(case['answer'])}, all other neurons set to "
            "their mean over other"
        )
        text += f" texts; as many others drawn at random keep {others} at most: {_enough(claim)}"
        copies = any(one.mechanism == "copying" for one in every_claim(state, MechanismClaim) if one.holds)
        if claim.share < LITTLE and copies:
            text += " (what heads copy is not counted in it)"
        return [Sentence(f"{text}.", (claim.id,))]
    return []


def _groups(claim: ExplainedClaim, state: State) -> list[str]:
    """The groups in one phrase that says what S1 is."""
    if not claim.groups:
        return []
    word, case = "group" if len(claim.groups) == 1 else "groups", case_of(state)
    known = {group["id"]: name_group(group, case) for group in groups_of(state)}
    return [f"the {word} of {terms_of(state).units} {join_words([known.get(g, g) for g in claim.groups])}"]


def _enough(claim: ExplainedClaim) -> str:
    """What the share says of what is named: how much of the answer it brings by itself."""
    if claim.largest > OVERSHOOT:
        return "random ones do as well, so this shows nothing here"
    if claim.share <= max(claim.largest, 0.0):
        return "no more than chance, so most of how the answer comes about is not in what is named"
    if claim.share < LITTLE:
        return "more than chance, and a small part of the story"
    if claim.share > OVERSHOOT:
        return "enough for all of it, with what works against it switched off as well"
    if claim.share >= NEARLY_ALL:
        return "nearly all of the story"
    return "a part of the story" if claim.share < MOST_OF_IT else "most of the story"


def _names(claim: ExplainedClaim, state: State) -> list[str]:
    tests = every_claim(state, ConceptEffectClaim)
    known = {test.concept.id: test.concept.name for test in tests}
    return list(dict.fromkeys(known[one] for one in claim.concepts if one in known))


def _at(case: Case, position: int) -> str:
    return quote_word_at(case["tokens"], position)
