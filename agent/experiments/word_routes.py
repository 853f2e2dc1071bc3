"""Where what a word says goes on its way to the answer: layers and heads, by activation patching."""

from collections.abc import Sequence
from typing import Any

from agent.core import WORD_DECIDES, Concept, HeadShare, NextToken, RouteClaim, State, WordPut, round_reported
from agent.evidence import new_claim
from agent.experiments.concept_bench import TextBench
from agent.experiments.deciding_words import Exchanged
from tracer import Agreement, Copying, Named, Succession, find_other_word, find_route, weigh_words


def follow_word(
    bench: TextBench,
    named: Named | None,
    told: Exchanged | None,
    way: Sequence[Concept],
    state: State,
    made: Sequence[Any],
) -> list[RouteClaim]:
    """The way of the word the answer comes from, or that decides it.

    It needs another word in its place with which the model says something else; none where there is none.
    """
    exchanged = _of_mechanism(named) or _where_it_begins(bench, told, way) or told or _with_any(bench)
    if exchanged is None:
        return []
    route = find_route(bench.frozen, bench.case["answer_id"], exchanged.places, exchanged.says)
    if route is None:
        return []
    texts = bench.workspace.subject.token_texts
    said, p = route.said
    return [
        new_claim(
            [*state.get("claims", []), *made],
            state["turn"],
            RouteClaim,
            text="Where what a word says goes, beside the text with another word in its place.",
            verdict="observed",
            words=[WordPut(position=at, other=texts([token])[0]) for at, token in route.places],
            says=texts([route.says])[0],
            target=bench.frozen.length - 1,
            stays=route.stays,
            kept=round_reported(route.kept),
            gone=round_reported(route.gone),
            arrives=route.arrives,
            at_last=round_reported(route.at_last),
            between=None if route.between is None else route.between[0],
            between_share=0.0 if route.between is None else round_reported(route.between[1]),
            heads=[
                HeadShare(layer=one.layer, head=one.head, share=round_reported(one.share))
                for one in route.heads
            ],
            together=round_reported(route.together),
            then=NextToken(token=texts([said])[0], p=round_reported(p)) if route.heads else None,
            others=round_reported(list(route.others)),
        )
    ]


def _of_mechanism(named: Named | None) -> Exchanged | None:
    """What was put in the place of the word that is copied, agreed with, or of the items of a list."""
    match named.test if named else None:
        case Copying(put=put, then=int(says)) as test:
            return Exchanged(tuple(zip(test.positions, put, strict=True)), says)
        case Succession(put=put, then=int(says)) as test if put:
            return Exchanged(tuple(zip(test.items, put, strict=True)), says)
        case Agreement(position=int(position), instead=int(instead), becomes=int(says)):
            return Exchanged(((position, instead),), says)
    return None


def _where_it_begins(bench: TextBench, told: Exchanged | None, way: Sequence[Concept]) -> Exchanged | None:
    """Another word where the way begins, the one that is told where it is there; None without a way."""
    spans = [span for span in _deciding_spans(bench) if way and span[0] <= way[0].position <= span[1]]
    for first, last in spans[:1]:
        if told is not None and first <= told.places[0][0] <= last:
            return told
        if found := find_other_word(bench.frozen, bench.workspace.words, bench.case["answer_id"], spans[0]):
            return Exchanged(*found)
    return None


def _with_any(bench: TextBench) -> Exchanged | None:
    """Another word in the place of the one that counts most."""
    for span in _deciding_spans(bench)[:1]:
        if found := find_other_word(bench.frozen, bench.workspace.words, bench.case["answer_id"], span):
            return Exchanged(*found)
    return None


def _deciding_spans(bench: TextBench) -> list[tuple[int, int]]:
    """The first and last position of each word that decides, the one that counts most first."""
    weights = weigh_words(bench.frozen, bench.workspace.words, bench.case["answer_id"])
    most_first = sorted(weights, key=lambda one: one.kept)
    return [(one.first, one.last) for one in most_first if one.kept <= WORD_DECIDES]
