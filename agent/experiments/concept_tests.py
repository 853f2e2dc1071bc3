"""Tests of concepts: taken out, exchanged for another of their kind, and what goes with them.

What is to be seen is registered before anything runs; controls move the stream as far by other words.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from agent.core import (
    WORD_DECIDES,
    Case,
    Concept,
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    HopClaim,
    NextToken,
    PlainClaim,
    QuestionError,
    State,
    TestConcepts,
    claims_of,
    every_claim,
    find_places,
    quote_token,
    quote_word_at,
    round_reported,
)
from agent.evidence import bears_out, new_claim, p_value, settle_turn, settle_verdicts, summarise_controls
from agent.experiments.concept_bench import ConceptBench, bench_of, text_bench_of
from agent.experiments.concept_carriers import carried_by_head, change_of_other_texts, writers_of
from agent.experiments.concept_exchange import exchange_concept, partners_for
from agent.experiments.concept_reading import concept_of_node, named_concept, node_of_concept, not_held
from agent.experiments.mechanism_tests import mechanisms_of, mechanisms_of_text
from agent.workspace import Workspace
from tracer import (
    Agreement,
    Chain,
    ConceptNode,
    Copying,
    Default,
    Named,
    Succession,
    ablate,
    change_of_lead,
    concept_of,
    find_rivals,
    follow,
    forecast,
    is_content,
    measure,
    name_of_rest,
    name_of_text,
    push_controls,
    read_concept,
    reading_of,
    stream_behind,
    usual_coordinates,
    weigh_words,
)

Update = dict[str, Any]
Progress = Callable[[float], None]
Rows = Any  # a tensor of the tracer's: this room imports no torch
ANYWAY = 0.75  # of other words after which the same is said: nothing is looked up at that word
STEM = 4  # letters that forms of one word share
SAID = 3  # next tokens that are kept


def test_concepts(
    workspace: Workspace, action: TestConcepts, case: Case, state: State, progress: Progress
) -> Update:
    """What the action names is exchanged; where it names nothing, the concepts on the way are tested."""
    if action.concept and action.other is None:
        return _test_named(workspace, case, state, action.concept, action.at)
    if action.concept and action.other:
        return _swap_asked(workspace, case, state, (action.concept, action.other, action.at))
    return _test_the_way(workspace, case, state, progress)


def _test_the_way(workspace: Workspace, case: Case, state: State, progress: Progress) -> Update:
    """Register what the concepts on the way should do, test each, and exchange the strongest for others."""
    found, bench = every_claim(state, ConceptsClaim), bench_of(workspace, case)
    if not found or bench is None:
        return {
            "concepts": {"note": workspace.lens_note, "tested": True},
            "claims": _entered(state, mechanisms_of_text(text_bench_of(workspace, case), state)),
            "found_note": "no concepts to test: words of the text are exchanged",
        }
    answer = case["answer_id"]
    named = bench.once(lambda: name_of_text(bench.frozen, workspace.words, answer), "text")
    if named is not None:
        source = _source_of(bench, named, found[-1].concepts)
        return _nothing_on_the_way(bench, named, state, f"{named.name}: nothing is looked up", None, source)
    concepts = {node_of_concept(one): one for one in found[-1].concepts if not _comes_next(bench, one)}
    chain, named = _followed(bench, tuple(concepts))
    progress(0.2)
    if chain.path and _says_it_anyway(named):  # nothing is looked up there: perhaps at another word
        elsewhere = tuple(node for node in concepts if node.position != chain.start)
        second, named_then = _followed(bench, elsewhere)
        if second.path and not _says_it_anyway(named_then):
            chain, named = second, named_then
    progress(0.3)
    idle = None if chain.idle is None else concepts[chain.tested[chain.idle].node]
    if not chain.path or _says_it_anyway(named) or only_goes_on(chain, case):
        note, word = (
            "taking out any one of them changes little",
            _deciding_word(bench, tuple(concepts.values())),
        )
        return _nothing_on_the_way(bench, named, state, note, idle, word)
    way = [concepts[chain.tested[i].node] for i in chain.path]
    strongest = min(chain.path, key=lambda i: chain.tested[i].effect)
    chosen = chain.tested[strongest if chain.main is None else chain.main]
    main = concepts[chosen.node]
    made, too_little = list[Any](), _needs_exchange(way, case)
    for number, one in enumerate(way, 1):
        made += _taken_out(bench, one, way[number:], state, made, too_little)
        progress(0.3 + 0.4 * number / len(way))
    beside = None if chain.also is None else concepts[chain.tested[chain.also].node]
    if beside is not None:
        made += _taken_out(bench, beside, [], state, made, too_little)
    made += carried_by_head(bench, main, state, made)
    made += exchange_concept(bench, main, partners_for(bench, main), state, made, chosen.partner)
    progress(0.9)
    made += mechanisms_of(bench, named, way, state, settle_verdicts(made))
    if idle is not None and idle not in way and not any(map(_is_borne_out, settle_verdicts(made))):
        made += _taken_out(bench, idle, [], state, made, True)
    return {
        "concepts": {
            "note": "",
            "tested": True,
            "path": [one.id for one in way],
            "beside": beside and beside.id,
            "idle": idle and idle.id,
        },
        "claims": _entered(state, made),
        "found_note": " → ".join([*(one.name for one in way), case["answer"].strip()]),
    }


def _entered(state: State, made: Sequence[Any]) -> list[PlainClaim]:
    """The ledger with these at its end, settled together with what else was tested in this turn."""
    return settle_turn([*claims_of(state), *made], state["turn"])


def _comes_next(bench: ConceptBench, one: Concept) -> bool:
    """Whether it is read at the last word and could come in the place of the answer, or is a form of it.

    Neither is a way to it: "Hampshire" for "The Statue of Liberty stands in New", "coldest" for "cold".
    """
    if one.position != bench.frozen.length - 1:
        return False
    name, answer = one.name.casefold(), bench.case["answer"].strip().casefold()
    if name != answer and min(len(name), len(answer)) >= STEM and name[:STEM] == answer[:STEM]:
        return True
    return not find_rivals(bench.frozen, bench.case["answer_id"]).isdisjoint(one.token_ids)


def only_goes_on(chain: Chain, case: Case) -> bool:
    """Whether a function word goes with what is read at the last word alone: the text goes on, no look-up."""
    last = len(case["tokens"]) - 1
    return not is_content(case["answer"]) and all(chain.tested[i].node.position == last for i in chain.path)


def _needs_exchange(way: Sequence[Concept], case: Case) -> bool:
    """Whether that the answer goes without them is not enough to call concepts the way to it.

    A function word goes with nearly anything that is taken out; where the answer is the very word they are
    held at, taking them out takes that word.
    """
    there = quote_word_at(case["tokens"], way[0].position)
    return (
        not is_content(case["answer"]) or there.casefold() == quote_token(case["answer"].strip()).casefold()
    )


def _source_of(bench: ConceptBench, named: Named, known: Sequence[Concept]) -> Concept | None:
    """The word that is copied, agreed with or gone on from, as what is held at its own place."""
    position = named.test.source if isinstance(named.test, Copying | Succession | Agreement) else None
    return None if position is None else _word_at(bench, position, known)


def _deciding_word(bench: ConceptBench, known: Sequence[Concept]) -> Concept | None:
    """The word the answer hangs on most, as what is held at its last token; None where none decides."""
    weights = weigh_words(bench.frozen, bench.workspace.words, bench.case["answer_id"])
    most = min(weights, key=lambda one: one.kept, default=None)
    if most is None or most.kept > WORD_DECIDES or not bench.case["answer"].strip():
        return None
    return _word_at(bench, most.last, known)


def _word_at(bench: ConceptBench, position: int, known: Sequence[Concept]) -> Concept | None:
    words, study = bench.workspace.words, bench.workspace.study(bench.case["text"])
    name, answer = bench.case["tokens"][position], bench.case["answer_id"]
    node = read_concept(bench.frozen, bench.lens, words, name, [position], answer)
    return None if node is None else concept_of_node(study, node, len(known) + 1)


def _is_borne_out(claim: Any) -> bool:
    return isinstance(claim, ConceptEffectClaim | ConceptSwapClaim) and bears_out(claim)


def _nothing_on_the_way(
    bench: ConceptBench,
    named: Named | None,
    state: State,
    note: str,
    idle: Concept | None = None,
    source: Concept | None = None,
) -> Update:
    """What is said where no concept is looked up: how else the model does it.

    `idle`: what it has in mind all the same, which is taken out to show that it does not count. `source`: the
    word of the text that the answer comes from or hangs on; which head brings it is tested.
    """
    made = [] if idle is None else _taken_out(bench, idle, [], state, [], True)
    made += [] if source is None else carried_by_head(bench, source, state, made)
    made += mechanisms_of(bench, named, [], state, made)
    known = {"note": "", "tested": True, "path": [], "idle": idle and idle.id, "source": source and source.id}
    return {"concepts": known, "claims": _entered(state, made), "found_note": note}


def _followed(bench: ConceptBench, nodes: tuple[ConceptNode, ...]) -> tuple[Chain, Named | None]:
    """The chain through some of the concepts, and a default or slot that holds where it begins."""
    words, answer = bench.workspace.words, bench.case["answer_id"]
    chain = bench.once(
        lambda: follow(bench.frozen, bench.lens, nodes, answer, bench.alternatives, words), "chain", nodes
    )
    return chain, bench.once(
        lambda: name_of_rest(bench.frozen, words, answer, chain.start), "rest", chain.start
    )


def _says_it_anyway(named: Named | None) -> bool:
    """Whether hardly any word in the place where a look-up would begin changes the answer."""
    return named is not None and isinstance(named.test, Default) and named.test.same >= ANYWAY


def _test_named(workspace: Workspace, case: Case, state: State, name: str, at: str | None) -> Update:
    """Take out the concept that a reader names, and exchange it for others; raises QuestionError."""
    bench, found = bench_of(workspace, case), every_claim(state, ConceptsClaim)
    held = named_concept(found[-1].concepts, name, at, case) if found else None
    if bench is None or held is None:
        raise QuestionError(workspace.lens_note or not_held(found[-1].concepts if found else [], name, at))
    made = _taken_out(bench, held, [], state, [])
    made += exchange_concept(bench, held, partners_for(bench, held), state, made)
    return {
        "claims": _entered(state, made),
        "found_note": f"{held.name} taken out and exchanged",
    }


def _swap_asked(workspace: Workspace, case: Case, state: State, asked: tuple[str, str, str | None]) -> Update:
    """Exchange the concept a reader names for another one, where it is held; raises QuestionError."""
    concept, other, at = asked
    bench, found = bench_of(workspace, case), every_claim(state, ConceptsClaim)
    if bench is None or not found:
        raise QuestionError(workspace.lens_note or "There are no concepts to exchange yet.")
    held = named_concept(found[-1].concepts, concept, at, case)
    if held is None and at:
        held = _read_there(bench, found[-1].concepts, concept, at)
    if held is None:
        raise QuestionError(not_held(found[-1].concepts, concept, at))
    wanted = concept_of(workspace.subject, other)
    made = exchange_concept(bench, held, wanted.tokens[:1], state, [])
    if not made:
        raise QuestionError(f"{quote_token(other)} is {quote_token(held.name)} itself; name another one.")
    note = f"{held.name} exchanged for {other}"
    return {"claims": _entered(state, made), "found_note": note}


def _read_there(bench: ConceptBench, known: Sequence[Concept], name: str, at: str) -> Concept | None:
    """What is read at a word that the reader names, though it does not stand out there."""
    places = find_places(bench.case["tokens"], at)
    words, study = bench.workspace.words, bench.workspace.study(bench.case["text"])
    node = read_concept(bench.frozen, bench.lens, words, name, places, bench.case["answer_id"])
    return None if node is None else concept_of_node(study, node, len(known) + 1)


class _Without(NamedTuple):
    """What taking a concept out was foreseen to do and does, beside its controls: logits and readings."""

    foreseen: float
    change: float
    logits: Rows
    controls: list[float]
    readings: Rows  # [run, later concept]: the first run is the concept's own


def _run_without(bench: ConceptBench, node: ConceptNode, later: Sequence[ConceptNode], seed: int) -> _Without:
    answer, count = bench.case["answer_id"], bench.controls_from(node.position)
    away = [answer, *(other.token_id for other in bench.alternatives)]
    readings = [reading_of(bench.frozen, bench.lens, each) for each in later]
    own = ablate(bench.frozen, bench.lens, node.held, node.tokens[:1])
    drawn = push_controls(bench.frozen, bench.lens, own, [node.tokens[0], *away], count=count, seed=seed)
    foreseen = forecast(bench.frozen, [own], answer, bench.alternatives)[0]
    effect = measure(bench.frozen, [own], None, readings)
    moved, read = change_of_lead(bench.frozen, drawn.changes, answer, bench.alternatives, readings)
    change = float(bench.lead_of(effect.logits)[0] - bench.lead)
    every = [*effect.readings, *read]
    return _Without(float(foreseen.curved), change, effect.logits[0], moved.tolist(), every)


def _taken_out(
    bench: ConceptBench,
    one: Concept,
    later: Sequence[Concept],
    state: State,
    made: Sequence[Any],
    needs_exchange: bool = False,
) -> list[Any]:
    """The test of a concept: without it, beside other words without which the stream moves as far.

    The same runs tell how much of each later concept on the way goes with it.
    """
    node, case, count = node_of_concept(one), bench.case, bench.controls_from(one.position)
    following = tuple(node_of_concept(next_one) for next_one in later)
    seed = bench.seed(one.name, str(one.position))
    run = bench.once(lambda: _run_without(bench, node, following, seed), "out", node, following, count, seed)
    text = (
        f"Taking {quote_token(one.name)} out at "
        f"{quote_token(case['tokens'][one.position].strip())} should lower the "
        f"lead of {quote_token(case['answer'].strip())}."
    )
    claims = list(state.get("claims", []))
    test = new_claim(
        [*claims, *made],
        state["turn"],
        ConceptEffectClaim,
        text=text,
        concept=one,
        predicted=round_reported(run.foreseen),
        measured=round_reported(run.change),
        controls=summarise_controls(run.controls, len(run.controls), count),
        asked=count,
        p=p_value(run.change, run.controls),
        lead=round_reported(bench.lead),
        says=_next(bench, run.logits),
        p_answer=round_reported(float(run.logits.double().softmax(-1)[case["answer_id"]])),
        needs_exchange=needs_exchange,
        elsewhere=change_of_other_texts(bench, node),
        writers=writers_of(bench, node),
    )
    out: list[Any] = [test]
    for column, target in enumerate(later):
        gone = _lost(bench, following[column], [row[column] for row in run.readings])
        if gone is not None:
            out.append(_hop(one, target, gone, state, [*claims, *made, *out]))
    return out


def _lost(bench: ConceptBench, node: ConceptNode, readings: Sequence[Rows]) -> list[float] | None:
    """The share of a concept that is lost in each run, beside what other texts have there."""
    reading, tokens = reading_of(bench.frozen, bench.lens, node), node.tokens[:1]
    clean = float(stream_behind(bench.frozen, reading.layer)[node.position] @ reading.direction)
    usual = usual_coordinates(bench.frozen, bench.lens, reading.layer, tokens)
    above = clean - float(usual[node.position, 0])
    return [float((clean - x) / above) for x in readings] if above > 0 else None


def _hop(source: Concept, target: Concept, gone: list[float], state: State, known: Sequence[Any]) -> HopClaim:
    return new_claim(
        known,
        state["turn"],
        HopClaim,
        text=f"Without {quote_token(source.name)} less of {quote_token(target.name)} should be left.",
        source=source,
        target=target,
        measured=round_reported(gone[0]),
        controls=round_reported(gone[1:]),
        p=p_value(gone[0], gone[1:]),
    )


def _next(bench: ConceptBench, logits: Rows) -> list[NextToken]:
    best = logits.double().softmax(-1).topk(SAID)
    texts = bench.workspace.subject.token_texts(best.indices.tolist())
    return [
        NextToken(token=text, p=round_reported(float(p)))
        for text, p in zip(texts, best.values.tolist(), strict=True)
    ]
