"""Answers to questions about concepts: whether one is held, where, which at a word, what an exchange did."""

from itertools import groupby

from agent.answers.concept_evidence import concept_evidence
from agent.answers.concept_sentences import at_word
from agent.answers.last_word_sentences import stays_first
from agent.core import (
    Case,
    Concept,
    ConceptClaim,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    State,
    case_of,
    every_claim,
    find_word_positions,
    join_words,
    own_claims,
    percent,
    prediction_of,
    quote_word,
    show_layers,
)
from agent.evidence import HOLDING_VERDICTS, Sentence

LAST = "last token"  # how the reader names the end of the text
A_WORD = 3  # concepts that are listed at one word
WORDS = 6  # words that are listed


def concepts_told(state: State) -> list[tuple[str, list[Sentence]]]:
    """Whether a concept is held and counts, or what is held at a word or at each."""
    question, found = state["question"], every_claim(state, ConceptsClaim)
    if not found:
        note = (state.get("concepts") or {}).get("note") or "No concept could be read here."
        return [("", [Sentence(note, (prediction_of(state).id,))])]
    claim, case = found[-1], case_of(state)
    if question["other"]:
        return [
            ("", _about_one(claim, str(question["other"]), state)),
            ("The tests.", _tests_of(claim, state)),
        ]
    places = _asked_places(question["group"], case)
    if (layer := question.get("layer")) is not None:
        last = question.get("up_to")
        return [("", _in_layers(claim, case, (int(layer), int(layer if last is None else last)), places))]
    if places == []:
        text = f"The text does not contain {quote_word(str(question['group']))}."
        return [("", [Sentence(text, (claim.id,)), *_everywhere(claim, case, None)])]
    return [("", _everywhere(claim, case, places))]


def _asked_places(name: str | None, case: Case) -> list[int] | None:
    """Where the word stands that is asked about; None where none is named, empty where the text lacks it."""
    if not name:
        return None
    if name == LAST:
        return [len(case["tokens"]) - 1]
    return find_word_positions(case["tokens"], name)


def _in_layers(
    claim: ConceptsClaim, case: Case, span: tuple[int, int], places: list[int] | None
) -> list[Sentence]:
    """What the lens reads behind the layers from one to another, and at which place the answer is then."""
    known, layer = dict(claim.answer_places), span[0]
    most = max(known, default=0)
    last = min(span[1], most)
    if not 0 <= layer <= most:
        return [
            Sentence(
                f"The lens reads layers 0 to {most} of this model; there is no layer {layer}.", (claim.id,)
            )
        ]
    there = [
        one
        for one in claim.concepts
        if one.layers[0] <= last and layer <= one.layers[1] and (places is None or one.position in places)
    ]
    rows = groupby(sorted(there, key=lambda one: one.position), key=lambda one: one.position)
    behind = f"Behind layer {layer}" if last == layer else f"Behind layers {layer} to {last}"
    out = [Sentence(f"{behind}: {_read_there(list(group), case)}", (claim.id,)) for _, group in rows]
    if not out:
        where = "at any word" if places is None else "there"
        text = f"{behind} the lens reads no concept {where} that stands out."
        out = [Sentence(text, (claim.id,))]
    out = out[:WORDS]
    if layer in known and (places is None or len(case["tokens"]) - 1 in places):
        then = f", and at place {known[last]} behind layer {last}" if last != layer and last in known else ""
        text = f"At the last word {quote_word(case['answer'])} is at place {known[layer]} of all words behind"
        out.append(Sentence(f"{text} layer {layer}{then}.", (claim.id,)))
    return [*out, Sentence("Reading is no test: “remove” and “swap” are.", (claim.id,))]


def _about_one(claim: ConceptsClaim, name: str, state: State) -> list[Sentence]:
    """Yes or no, where, and what its test says."""
    case = case_of(state)
    same = [one for one in claim.concepts if claim.model_copy(update={"concepts": [one]}).named(name)]
    if not same:
        others = list(dict.fromkeys(quote_word(one.name) for one in claim.concepts if one.role == "concept"))[
            :5
        ]
        read = f" What it reads is {join_words(others)}." if others else ""
        return [
            Sentence(
                f"No: the lens does not read {quote_word(name)} at any word of this text.{read}", (claim.id,)
            )
        ]
    where = join_words(list(dict.fromkeys(at_word(one, case) for one in same[:3])))
    first = same[0]
    out = [
        Sentence(
            f"Yes: {quote_word(first.name)} is read at {where}, first behind layer "
            f"{min(one.layers[0] for one in same)}.",
            (claim.id,),
        )
    ]
    if first.role == "word":
        out.append(Sentence("That is the word itself, which the text says.", (claim.id,)))
    return out


def _tests_of(claim: ConceptsClaim, state: State) -> list[Sentence]:
    """What was tested of the concept that is asked about."""
    name, out = str(state["question"]["other"]), list[Sentence]()
    for test in every_claim(state, ConceptEffectClaim, ConceptSwapClaim):
        if not claim.model_copy(update={"concepts": [test.concept]}).named(name):
            continue
        if test.verdict not in HOLDING_VERDICTS:
            answer = quote_word(case_of(state)["answer"])
            text = f"That {answer} rests on it is not borne out by its test ({test.verdict})."
            out.append(Sentence(text, (test.id,)))
        else:
            out += [s for s in concept_evidence(state) if test.id in s.claims]
    return out


def _everywhere(claim: ConceptsClaim, case: Case, places: list[int] | None) -> list[Sentence]:
    """What is read at each of these words, in their order; the words with most to say where none is named."""
    there = [one for one in claim.concepts if places is None or one.position in places]
    added = [one for one in there if one.role != "word"]
    by_place = sorted(added, key=lambda one: one.position)
    rows = [(at, list(group)) for at, group in groupby(by_place, key=lambda one: one.position)]
    if places is None:
        strongest = sorted(rows, key=lambda row: -max(one.strength for one in row[1]))[:WORDS]
        rows = [row for row in rows if row in strongest]
    out = [Sentence(_read_there(group, case), (claim.id,)) for _, group in rows]
    note = "This is what the lens reads there, strongest first; reading is no test."
    return (
        [*out, Sentence(note, (claim.id,))]
        if out
        else [Sentence("The lens reads nothing there but the word itself.", (claim.id,))]
    )


def _read_there(concepts: list[Concept], case: Case) -> str:
    best = sorted(concepts, key=lambda one: -one.strength)[:A_WORD]
    names = [f"{quote_word(one.name)} ({show_layers(*one.layers)})" for one in best]
    return f"At {at_word(best[0], case)}: {join_words(names)}."


def first_layer(state: State) -> list[Sentence]:
    """From which layer on the answer is the first of all that the lens reads at the last word."""
    found, case = every_claim(state, ConceptsClaim), case_of(state)
    if not found or not found[-1].answer_places:
        note = (state.get("concepts") or {}).get("note") or "No layer could be read here."
        return [Sentence(note, (prediction_of(state).id,))]
    claim, answer = found[-1], quote_word(case["answer"])
    places = claim.answer_places
    leads = [layer for layer, place in places if place == 1]
    stays = stays_first(claim)
    out = []
    if stays is not None:
        text = f"From layer {stays} of {places[-1][0]} on, {answer} comes first at the last word."
        out.append(Sentence(text, (claim.id,)))
    if leads and stays is not None and leads[0] < stays:
        out.append(
            Sentence(f"It comes first already behind layer {leads[0]}, and is overtaken again.", (claim.id,))
        )
    early = [layer for layer, place in places if place <= 10]
    if early:
        out.append(Sentence(f"Among the first 10 of all words it is from layer {early[0]} on.", (claim.id,)))
    shown = ", ".join(f"layer {layer}: place {place}" for layer, place in places[::3])
    return [*out, Sentence(f"Its place among all words: {shown}.", (claim.id,))]


def swap_asked(state: State) -> list[Sentence]:
    """What the exchange that was asked for did."""
    out, case = list[Sentence](), case_of(state)
    for claim in own_claims(state, ConceptSwapClaim):
        first = claim.first
        if first is None:
            continue
        there, answer = at_word(claim.concept, case), quote_word(case["answer"])
        act = f"With {quote_word(first.other)} in the place of {quote_word(claim.concept.name)} at {there}"
        said = f"{quote_word(first.says[0].token)} ({percent(first.says[0].p)})"
        if not first.changed:
            text = f"{act} it still says {said}: the exchange did not take {answer} away."
        elif first.installed:
            text = f"{act} it says {said} instead of {answer}: the other's answer was installed."
        else:
            text = f"{act} it says {said}: {answer} is knocked out, and nothing that fits is installed."
        out.append(Sentence(text, (claim.id,)))
    return out


def swap_evidence(state: State) -> list[Sentence]:
    """The numbers of that exchange."""
    own = {claim.id for claim in own_claims(state, ConceptClaim)}
    return [sentence for sentence in concept_evidence(state) if own & set(sentence.claims)]
