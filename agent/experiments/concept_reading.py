"""What the model holds in mind on a text, read by the concept lens. Tests nothing."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    Alternative,
    Case,
    Concept,
    ConceptsClaim,
    State,
    enter_claims,
    find_places,
    join_words,
    quote_token,
    round_reported,
)
from agent.evidence import new_claim
from agent.workspace import Workspace
from tracer import (
    ConceptNode,
    Study,
    contrast_direction,
    find_alternatives,
    find_concepts,
    rank_token,
    streams,
)

Update = dict[str, Any]
MOST = 40  # concepts of a text


def read_concepts(workspace: Workspace, case: Case, state: State) -> Update:
    """Enter the concepts of the text; says why where there is no lens to read them with."""
    study, lens = workspace.study(case["text"]), workspace.lens()
    if lens is None:
        note = workspace.lens_note
        return {"concepts": {"note": note}, "found_note": note}
    answer = case["answer_id"]
    kept = study.frozen.found
    key = "concepts", id(lens), answer
    if key not in kept:
        nodes = find_concepts(study.frozen, lens, workspace.words, answer=answer, most=MOST)
        kept[key] = nodes, rank_token(lens, study.subject, streams(study.frozen)[:, -1], answer)
    nodes, ranks = kept[key]
    first = study.subject.token_texts(ranks.first.tolist())
    others, read = find_alternatives(study.frozen, answer), sorted(lens.layers)
    lead = contrast_direction(study.frozen.logits, answer, others)
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        ConceptsClaim,
        text=_read(nodes),
        verdict="observed",
        concepts=[concept_of_node(study, node, number) for number, node in enumerate(nodes, 1)],
        alternatives=[
            Alternative(token=one.token, token_id=one.token_id, p=round_reported(one.probability))
            for one in others
        ],
        lead=round_reported(float(lead)),
        answer_places=[(layer, 1 + rank) for layer, rank in zip(read, ranks.rank.tolist(), strict=True)],
        first_words=list(zip(read, first, strict=True)),
    )
    return {
        "concepts": {"note": ""},
        "claims": enter_claims(state, claim),
        "found_note": claim.text,
    }


def concept_of_node(study: Study, node: ConceptNode, number: int) -> Concept:
    """A concept as the ledger keeps it."""
    return Concept(
        id=f"K{number}",
        name=node.name,
        tokens=study.subject.token_texts(list(node.tokens)),
        token_ids=list(node.tokens),
        position=node.position,
        layers=(node.first, node.last),
        best_layer=node.best_layer,
        strength=round_reported(float(node.strength)),
        rank=node.rank,
        role=node.role,
        reading=round_reported(float(node.reading)),
        changed=node.changed,
    )


def node_of_concept(concept: Concept) -> ConceptNode:
    """The same, as the tracer takes it."""
    return ConceptNode(
        name=concept.name,
        tokens=tuple(concept.token_ids),
        position=concept.position,
        first=concept.layers[0],
        last=concept.layers[1],
        best_layer=concept.best_layer,
        strength=concept.strength,
        rank=concept.rank,
        role=concept.role,
        reading=concept.reading,
        changed=concept.changed,
    )


def named_concept(concepts: Sequence[Concept], name: str, at: str | None, case: Case) -> Concept | None:
    """The concept of this name where it is first held, or at the word that is given; None where it is not."""
    places = set(find_places(case["tokens"], at)) if at else None
    spelled = name.strip().casefold()
    same = [
        one
        for one in concepts
        if (places is None or one.position in places)
        and spelled in {text.strip().casefold() for text in (one.name, *one.tokens)}
    ]
    return min(same, key=lambda one: (one.position, -one.strength), default=None)


def not_held(concepts: Sequence[Concept], name: str, at: str | None) -> str:
    """That a concept is not read on this text, and which are."""
    there = list(dict.fromkeys(quote_token(one.name) for one in concepts if one.role == "concept"))[:6]
    where = f" at {quote_token(at)}" if at else " on this text"
    some = f" It reads {join_words(there)}." if there else ""
    return f"The lens does not read {quote_token(name)}{where}.{some}"


def _read(nodes: Sequence[ConceptNode]) -> str:
    names = list(dict.fromkeys(quote_token(node.name) for node in nodes if node.role == "concept"))[:5]
    return (
        f"The lens reads {join_words(names)}." if names else "The lens reads no concept that the text lacks."
    )
