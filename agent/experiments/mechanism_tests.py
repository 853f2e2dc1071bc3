"""How the model does it: each kind of mechanism is tried on the text, and named only where its test holds."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    Case,
    Concept,
    MechanismClaim,
    RouteClaim,
    State,
    every_claim,
    join_words,
    percent,
    quote_word,
    quote_word_at,
    token_at,
)
from agent.evidence import installs, new_claim
from agent.experiments.concept_bench import ConceptBench, TextBench
from agent.experiments.deciding_words import FoundMechanism, tell_deciding_words
from agent.experiments.word_routes import follow_word
from agent.workspace import Workspace
from tracer import (
    Agreement,
    Copying,
    Default,
    Named,
    Slot,
    Succession,
    is_content,
    name_of_text,
    try_rival,
)

ALONE = 0.8  # of the tries in which the same follows whatever stands before the last item
NAME = 4  # tokens that a name may be long


def mechanisms_of(
    bench: TextBench, named: Named | None, way: Sequence[Concept], state: State, made: Sequence[Any]
) -> list[MechanismClaim | RouteClaim]:
    """Claims for the mechanism that was named, a rival put behind by later layers, words that count, a way.

    Where concepts are on the way, the word they are held at asks for no kind: it is what is looked up.
    What the ledger says already (where a lens has come since) is not entered twice.
    """
    known = {claim.says for claim in every_claim(state, MechanismClaim)}
    found = _tell(bench.workspace, bench.case, named) if named and not _looked_up(named, way) else None
    out: list[MechanismClaim | RouteClaim] = []
    by_text = named is not None and isinstance(named.test, Copying | Succession | Agreement)
    words = tell_deciding_words(bench, near=not by_text and not installs(made, way))
    outdone = _outdone(bench) if isinstance(bench, ConceptBench) else None
    for one in filter(None, (found, outdone, words)):
        if one.says in known:
            continue
        out.append(
            new_claim(
                [*state.get("claims", []), *made, *out],
                state["turn"],
                MechanismClaim,
                text=one.says,
                mechanism=one.mechanism,
                holds=True,
                says=one.says,
                line=one.line,
                shown=one.shown,
                turns=one.exchanged is not None,
                verdict="observed",
            )
        )
    told = words.exchanged if words else None
    if every_claim(state, RouteClaim):
        return list(out)
    return [*out, *follow_word(bench, named, told, way, state, [*made, *out])]


def mechanisms_of_text(bench: TextBench, state: State) -> list[MechanismClaim | RouteClaim]:
    """The same where no concept can be read."""
    words, answer = bench.workspace.words, bench.case["answer_id"]
    named = bench.once(lambda: name_of_text(bench.frozen, words, answer), "text")
    return mechanisms_of(bench, named, [], state, [])


def _looked_up(named: Named, way: Sequence[Concept]) -> bool:
    """Whether a slot's asking word is (part of) the name that the way begins at."""
    if not isinstance(named.test, Slot) or named.test.asks is None or not way:
        return False
    return 0 <= way[0].position - named.test.asks <= NAME


def _tell(workspace: Workspace, case: Case, named: Named) -> FoundMechanism | None:
    """The sentence on a mechanism whose test holds."""
    match named.test:
        case Copying() as test:
            return _copied(workspace, case, test)
        case Succession() as test:
            return _listed(workspace, case, test)
        case Agreement() as test:
            return _agreed(workspace, case, test)
        case Default() as test:
            return _same_anyway(case, test)
        case Slot() as test:
            return _of_a_kind(case, test)


def _copied(workspace: Workspace, case: Case, test: Copying) -> FoundMechanism:
    said = quote_word(case["answer"])
    text = f"It copies {said} from earlier in the text: with other words put there, it says those instead"
    text += f" ({percent(test.followed)} of them)."
    if test.rival is not None and test.rival_at is not None:
        rival = quote_word(workspace.subject.token_texts([test.rival])[0])
        where = quote_word_at(case["tokens"], test.rival_at)
        text += f" It is {where} that rules {rival} out: with {said} there it says {rival}."
        line = f"{said} is copied from earlier in the text, and {where} rules {rival} out: tested."
        return FoundMechanism("copying", text, [test.followed], line)
    return FoundMechanism("copying", text, [test.followed])


def _listed(workspace: Workspace, case: Case, test: Succession) -> FoundMechanism | None:
    if test.then is None or not is_content(case["answer"]):
        return None
    then, items = workspace.subject.token_texts([test.then])[0], len(test.items)
    said, last = quote_word(case["answer"]), quote_word_at(case["tokens"], test.items[-1])
    text = f"It goes on with a list of {items}: with each item replaced by the one after it, the last by"
    text += f" {said}, it says {quote_word(then)}."
    if not test.next_item:
        return FoundMechanism("sequence", text, [items])
    comes = [one == case["answer_id"] for one in test.next_item]
    same, tries = sum(comes), len(comes)
    alone = same >= ALONE * tries
    shown = comes.index(alone) if alone in comes else 0
    texts = workspace.subject.token_texts([*test.before[shown], test.next_item[shown]])
    names, brings = join_words([quote_word(name) for name in texts[:-1]]), quote_word(texts[-1])
    if alone:
        text += (
            f" It goes on from {last} alone: with others before it, such as {names}, {said} is the likeliest"
        )
        text += f" item all the same ({same} of {tries} tries)."
        return FoundMechanism(
            "sequence", text, [items, same, tries], f"{said} is what follows {last}: tested."
        )
    text += f" The items before {last} count too: with others in their place {said} is the likeliest item in"
    text += f" {same} of {tries} tries; with {names} it is {brings}."
    line = f"{said} is the next item of a list, and the items before {last} count too: tested."
    return FoundMechanism("sequence", text, [items, same, tries], line)


def _agreed(workspace: Workspace, case: Case, test: Agreement) -> FoundMechanism | None:
    if test.position is None or test.instead is None or test.becomes is None:
        return None
    instead, becomes = workspace.subject.token_texts([test.instead, test.becomes])
    there = quote_word(token_at(case["tokens"], test.position))
    says = f"it says {quote_word(becomes)}" if test.says else f"{quote_word(becomes)} is likelier than it"
    text = (
        f"{quote_word(case['answer'])} agrees with {there}: with {quote_word(instead)} in its place {says}."
    )
    line = (
        f"{quote_word(case['answer'])} agrees with {there}: tested with {quote_word(instead)} in its place."
    )
    return FoundMechanism("agreement", text, [], line)


def _same_anyway(case: Case, test: Default) -> FoundMechanism:
    there = quote_word_at(case["tokens"], test.position)
    text = (
        f"{quote_word(case['answer'])} is what it says anyway: with unrelated words in the place of {there}"
    )
    line = f"{quote_word(case['answer'])} is what it says whatever stands in the place of {there}: tested."
    return FoundMechanism(
        "default", f"{text} it says the same ({percent(test.same)} of them).", [test.same], line
    )


def _of_a_kind(case: Case, test: Slot) -> FoundMechanism | None:
    if test.asks is None:
        return None
    asks, free = (quote_word_at(case["tokens"], at) for at in (test.asks, test.position))
    text = f"It is {asks} that asks for a word of this kind: with other words in its place, such words keep"
    text += f" {percent(test.without)} of their probability; with others in the place of {free},"
    text += f" {percent(test.kept)}."
    return FoundMechanism("slot", text, [test.without, test.kept])


def _outdone(bench: ConceptBench) -> FoundMechanism | None:
    case = bench.case
    test = bench.once(
        lambda: try_rival(bench.frozen, bench.lens, case["answer_id"], bench.alternatives), "rival"
    )
    if not test.holds or test.rival is None or test.layer is None:
        return None
    rival = quote_word(bench.workspace.subject.token_texts([test.rival])[0])
    text = (
        f"Up to layer {test.layer} {rival} is ahead of {quote_word(case['answer'])} at "
        "the last word, and later"
    )
    text += f" layers take it back: kept as it is there, it says {rival}."
    return FoundMechanism("rival", text, [test.layer])
