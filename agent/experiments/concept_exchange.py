"""Exchanging a concept for others of its kind: what the model says then, beside exchanges as large."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    Concept,
    ConceptSwapClaim,
    NextToken,
    State,
    SwapTried,
    quote_token,
    round_reported,
    token_at,
)
from agent.evidence import new_claim, summarise_controls
from agent.experiments.concept_bench import ConceptBench
from agent.experiments.concept_reading import node_of_concept
from tracer import Swap, SwapTest, find_partners, swap_concepts

PARTNERS = 4  # that a concept is exchanged for


def partners_for(bench: ConceptBench, concept: Concept) -> tuple[int, ...]:
    """Other concepts of its kind, not the answer; of the answer's own kind where it is the answer itself."""
    answer, node = bench.case["answer_id"], node_of_concept(concept)
    if bench.case["answer"].strip().casefold() in {text.strip().casefold() for text in concept.tokens}:
        node = node._replace(tokens=(answer, *node.tokens))
    words = bench.workspace.words
    return bench.once(
        lambda: find_partners(bench.frozen, bench.lens, words, node, count=PARTNERS, not_near=(answer,)),
        *("partners", node),
    )


def exchange_concept(
    bench: ConceptBench,
    one: Concept,
    partners: Sequence[int],
    state: State,
    made: Sequence[Any],
    found: int | None = None,
) -> list[Any]:
    """The test of exchanging a concept; the first partner is the one that counts, chosen beforehand.

    `found`: a partner that was found by trying all of them; it counts, and its p is that of so many tries.
    """
    case, node = bench.case, node_of_concept(one)
    partners = [token for token in partners if token not in one.token_ids]
    if not partners:
        return []
    tries = 1
    if found in partners and found != partners[0]:
        partners, tries = [found, *(token for token in partners if token != found)], len(partners)
    count = bench.controls_from(one.position)
    names = [text.strip() for text in bench.workspace.subject.token_texts(list(partners))]
    seed = bench.seed(one.name, str(one.position), names[0])
    test = bench.once(
        lambda: swap_concepts(
            bench.frozen,
            bench.lens,
            node,
            partners,
            case["answer_id"],
            bench.alternatives,
            controls=count,
            seed=seed,
        ),
        *("swap", node, tuple(partners), count, seed),
    )
    where = quote_token(token_at(case["tokens"], one.position).strip())
    tried = [_tried(bench, swap, name) for swap, name in zip(test.swaps, names, strict=True)]
    claim = new_claim(
        [*state.get("claims", []), *made],
        state["turn"],
        ConceptSwapClaim,
        text=f"{quote_token(names[0])} in the place of {quote_token(one.name)} at {where} "
        "should bring another answer.",
        concept=one,
        measured=tried[0].lead,
        controls=summarise_controls(test.controls, len(test.controls), count),
        asked=count,
        p=min(1.0, tries * _chance_of(test)),
        lead=round_reported(bench.lead),
        swaps=tried,
        partners=names,
        partner_ids=list(partners),
        pushed=test.pushed,
        controls_changed=test.controls_changed,
        controls_installed=test.controls_installed,
    )
    return [claim]


def _chance_of(test: SwapTest) -> float:
    """How likely exchanges of unrelated words bring the same; where nothing new came, move the lead as far.

    p = (1 + controls that make the model say what the exchange made it say) / (1 + controls).
    """
    if not test.swaps[0].changed:
        return test.p
    return (1 + test.controls_installed) / (1 + len(test.controls))


def _tried(bench: ConceptBench, swap: Swap, name: str) -> SwapTried:
    texts = bench.workspace.subject.token_texts([token for token, _ in swap.top])
    return SwapTried(
        other=name,
        other_id=swap.partner,
        says=[
            NextToken(token=text, p=round_reported(float(p)))
            for text, (_, p) in zip(texts, swap.top, strict=True)
        ],
        lead=round_reported(-float(swap.removed)),
        p_answer=round_reported(float(swap.p_answer)),
        changed=swap.changed,
        installed=swap.installed,
    )
