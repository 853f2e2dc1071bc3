"""How the model does it: each kind of mechanism is tried on the text, and named only where its test holds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.core import (
    WORD_DECIDES,
    Case,
    Concept,
    MechanismClaim,
    State,
    join_words,
    percent,
    quote_word,
    quote_word_at,
    token_at,
)
from agent.evidence import new_claim
from agent.experiments.concept_bench import ConceptBench
from agent.workspace import Workspace
from tracer import (
    Agreement,
    Copying,
    Default,
    Named,
    Slot,
    Succession,
    is_content,
    try_rival,
    weigh_words,
)

HARDLY = 0.8  # of the answer's probability that is left at least without a word
TOLD = 2  # further words that are told
NAME = 4  # tokens that a name may be long


class _Found(NamedTuple):
    """A mechanism whose test holds: its name, its sentence, and the numbers in it."""

    mechanism: str
    says: str
    shown: list[float]
    line: str = ""


def mechanisms_of(
    bench: ConceptBench, named: Named | None, way: Sequence[Concept], state: State, made: Sequence[Any]
) -> list[MechanismClaim]:
    """Claims for the mechanism that was named, a rival put behind by later layers, and the words that count.

    Where concepts are on the way, the word they are held at asks for no kind: it is what is looked up.
    """
    found = _tell(bench.workspace, bench.case, named) if named and not _looked_up(named, way) else None
    out: list[MechanismClaim] = []
    for one in filter(None, (found, _outdone(bench), _words_that_count(bench))):
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
                verdict="observed",
            )
        )
    return out


def _looked_up(named: Named, way: Sequence[Concept]) -> bool:
    """Whether a slot's asking word is (part of) the name that the way begins at."""
    if not isinstance(named.test, Slot) or named.test.asks is None or not way:
        return False
    return 0 <= way[0].position - named.test.asks <= NAME


def _tell(workspace: Workspace, case: Case, named: Named) -> _Found | None:
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


def _copied(workspace: Workspace, case: Case, test: Copying) -> _Found:
    said, there = quote_word(case["answer"]), quote_word_at(case["tokens"], test.positions[-1])
    text = f"It copies {said} from earlier in the text: with other words put there, it says those instead"
    text += f" ({percent(test.followed)} of them; it stands at {there})."
    if test.rival is not None and test.rival_at is not None:
        rival = quote_word(workspace.subject.token_texts([test.rival])[0])
        where = quote_word_at(case["tokens"], test.rival_at)
        text += f" It is {where} that rules {rival} out: with {said} there it says {rival}."
    return _Found("copying", text, [test.followed])


def _listed(workspace: Workspace, case: Case, test: Succession) -> _Found | None:
    if test.then is None or not is_content(case["answer"]):
        return None
    then, items = workspace.subject.token_texts([test.then])[0], len(test.items)
    text = f"It goes on with a list of {items}: with each item replaced by the one after it, the last by"
    return _Found("sequence", f"{text} {quote_word(case['answer'])}, it says {quote_word(then)}.", [items])


def _agreed(workspace: Workspace, case: Case, test: Agreement) -> _Found | None:
    if test.position is None or test.instead is None or test.becomes is None:
        return None
    instead, becomes = workspace.subject.token_texts([test.instead, test.becomes])
    there = quote_word(token_at(case["tokens"], test.position))
    text = (
        f"{quote_word(case['answer'])} agrees with {there}: with {quote_word(instead)} in its place it says"
    )
    return _Found("agreement", f"{text} {quote_word(becomes)}.", [])


def _same_anyway(case: Case, test: Default) -> _Found:
    there = quote_word_at(case["tokens"], test.position)
    text = (
        f"{quote_word(case['answer'])} is what it says anyway: with unrelated words in the place of {there}"
    )
    line = f"{quote_word(case['answer'])} is what it says whatever stands in the place of {there}: tested."
    return _Found("default", f"{text} it says the same ({percent(test.same)} of them).", [test.same], line)


def _of_a_kind(case: Case, test: Slot) -> _Found | None:
    if test.asks is None:
        return None
    asks, free = (quote_word_at(case["tokens"], at) for at in (test.asks, test.position))
    text = f"It is {asks} that asks for a word of this kind: with other words in its place, such words keep"
    text += f" {percent(test.without)} of their probability; with others in the place of {free},"
    text += f" {percent(test.kept)}."
    return _Found("slot", text, [test.without, test.kept])


def _outdone(bench: ConceptBench) -> _Found | None:
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
    return _Found("rival", text, [test.layer])


def _words_that_count(bench: ConceptBench) -> _Found | None:
    """What is left of the answer with other words in the place of each: the words that decide, and others."""
    case = bench.case
    weights = weigh_words(bench.frozen, bench.workspace.words, case["answer_id"])
    if not weights or not case["answer"].strip():
        return None
    answer = quote_word(case["answer"])
    told = [(quote_word_at(case["tokens"], one.first), one.kept) for one in weights]
    told.sort(key=lambda pair: pair[1])
    (first, kept), *others = told
    if kept > WORD_DECIDES:
        text = f"No word decides alone: with other words in the place of {first}, which counts most, {answer}"
        line = f"No word of the text decides {answer} alone: tested by putting others in their place."
        return _Found("words", f"{text} keeps {percent(kept)} of its probability.", [kept], line)
    more = [pair for pair in others if pair[1] <= WORD_DECIDES][:TOLD]
    little = [pair for pair in others if pair[1] >= HARDLY][-TOLD:]
    text = f"{first} counts most: with other words in its place {answer} keeps {percent(kept)} of its"
    text += " probability"
    if more:
        text += f", with others for {join_words([f'{name} {percent(left)}' for name, left in more])}"
    counts = "counts" if len(little) == 1 else "count"
    if little:
        text += f"; {join_words([f'{name} ({percent(left)})' for name, left in little])} hardly {counts}"
    line = f"{answer} hangs on {join_words([first, *(name for name, _ in more)])}"
    if little:
        line += f"; {join_words([name for name, _ in little])} hardly {counts}"
    line += ": tested by putting other words in their place."
    return _Found("words", f"{text}.", [kept, *(left for _, left in [*more, *little])], line)
