"""What the lens reads at the last word, layer by layer: what it leans to, and when the answer is there."""

from itertools import groupby

from agent.core import ConceptsClaim, State, case_of, every_claim, quote_token
from agent.evidence import Sentence

SHORTEST = 2  # layers in a row that one word must come first to be told
DEPTH = 1 / 3  # of the layers: what is read before says little of the next word


def comes_first(state: State) -> list[Sentence]:
    """From which layer on the answer is what is read at the last word, and what it leant to before."""
    case = case_of(state)
    for claim in every_claim(state, ConceptsClaim)[-1:]:
        stays, last = stays_first(claim), max((layer for layer, _ in claim.answer_places), default=0)
        if stays is None or stays >= last or not case["answer"].strip():
            continue
        answer = quote_token(case["answer"].strip())
        rivals = {one["token"].strip().casefold() for one in case["predictions"]}
        leant = _leant_to(claim, stays, rivals - {case["answer"].strip().casefold()})
        text = f"At the last word {answer} comes first of all words from layer {stays} on"
        if leant is not None:
            name, first, end = leant
            text = f"At the last word it leans to {quote_token(name)} at first (layers {first} to {end}); "
            text += f"{answer} comes first from layer {stays} on"
        return [Sentence(f"{text}; the last is layer {last}.", (claim.id,))]
    return []


def stays_first(claim: ConceptsClaim) -> int | None:
    """The layer from which on the answer is read first at the last word; None where it is not at the end."""
    places = claim.answer_places
    first = (layer for at, (layer, _) in enumerate(places) if all(place == 1 for _, place in places[at:]))
    return next(first, None)


def _leant_to(claim: ConceptsClaim, before: int, rivals: set[str]) -> tuple[str, int, int] | None:
    """Of the words that it may say, what came first over most layers in a row before the answer did."""
    least = DEPTH * (1 + max(layer for layer, _ in claim.first_words)) if claim.first_words else 0
    read = [(layer, text.strip()) for layer, text in claim.first_words if least <= layer < before]
    runs = [(name, [layer for layer, _ in some]) for name, some in groupby(read, key=lambda one: one[1])]
    told = [
        (len(layers), layers[0], name, layers[-1])
        for name, layers in runs
        if len(layers) >= SHORTEST and name.isalpha() and name.casefold() in rivals
    ]
    if not told:
        return None
    _, first, name, end = max(told)
    return name, first, end
