"""What writes a concept, what carries it to the answer, and how much of the answer a story explains."""

from collections.abc import Sequence
from typing import Any

from agent.core import (
    Concept,
    ConceptEffectClaim,
    ConceptSwapClaim,
    EffectClaim,
    ExplainedClaim,
    FeatureShare,
    HeadClaim,
    LookCue,
    OtherTextsChanged,
    PlainClaim,
    State,
    every_claim,
    find_group,
    own_claims,
    plain_claim,
    quote_token,
    round_reported,
    token_at,
)
from agent.evidence import HOLDING_VERDICTS, LEVEL, held_concepts, new_claim, p_value, summarise_controls
from agent.experiments.concept_bench import LONG, ConceptBench, bench_of
from agent.experiments.concept_reading import node_of_concept
from agent.workspace import Workspace
from tracer import (
    ENOUGH_CONTROLS,
    ConceptNode,
    Kept,
    Look,
    change_elsewhere,
    explain_share,
    find_cues,
    find_writers,
    try_carrier,
)

WRITERS = 4  # that are kept
LEAST_DRAWS = 5  # random sets beside what is named, in texts of many more than LONG tokens


def carried_by_head(bench: ConceptBench, one: Concept, state: State, made: Sequence[Any]) -> list[HeadClaim]:
    """The test of the head that should carry the concept; none where none should."""
    answer = bench.case["answer_id"]
    node = node_of_concept(one)
    test = bench.once(
        lambda: try_carrier(bench.frozen, bench.lens, node, answer, bench.alternatives), "head", node
    )
    if test is None or not test.others:
        return []
    look, tokens = test.look, bench.case["tokens"]
    p = p_value(test.measured, test.others)
    text = f"Without what head {look.head} of layer {look.layer} brings of {quote_token(one.name)} to"
    text += f" {quote_token(token_at(tokens, look.target).strip())} the lead should be smaller."
    return [
        new_claim(
            [*state.get("claims", []), *made],
            state["turn"],
            HeadClaim,
            text=text,
            concept=one,
            layer=look.layer,
            head=look.head,
            target=look.target,
            attention=round_reported(test.attention),
            predicted=round_reported(test.foreseen),
            measured=round_reported(test.measured),
            controls=summarise_controls(test.others, len(test.others), len(test.others)),
            asked=len(test.others),
            p=p,
            lead=round_reported(bench.lead),
            cues=_cues_of(bench, look) if p <= LEVEL and test.measured < 0 else [],
        )
    ]


def _cues_of(bench: ConceptBench, look: Look) -> list[LookCue]:
    """Why the head looks there: the words its attention weight hangs on, where unrelated ones do less."""
    count, seed = bench.controls_from(look.source), bench.seed("cue", str(look.layer), str(look.head))
    found = bench.once(
        lambda: find_cues(bench.frozen, bench.lens, bench.workspace.words, look, count=count, seed=seed),
        *("cues", look, count),
    )
    out = []
    for cue in found:
        louder = sum(left <= cue.attention for left in cue.controls)
        p = min(1.0, cue.tried * (1 + louder) / (1 + len(cue.controls)))
        if p <= LEVEL:
            (name,) = bench.workspace.subject.token_texts([cue.token])
            left = round_reported(cue.attention)
            out.append(
                LookCue(
                    name=name.strip(),
                    position=cue.position,
                    attention=left,
                    louder=louder,
                    asked=len(cue.controls),
                    tried=cue.tried,
                    p=p,
                )
            )
    return out


def change_of_other_texts(bench: ConceptBench, node: ConceptNode) -> OtherTextsChanged:
    """In how many texts on other things the same change makes another token the likeliest."""
    others = bench.workspace.other_texts
    found = bench.once(lambda: change_elsewhere(bench.lens, node, others), "elsewhere", node)
    return OtherTextsChanged(texts=found.texts, changed=found.changed)


def writers_of(bench: ConceptBench, node: ConceptNode) -> list[FeatureShare]:
    """The neurons that write most of a concept at its word; none where the features are a set's."""
    study = bench.workspace.study(bench.case["text"])
    if study.set_name is not None:
        return []
    return [
        FeatureShare(
            feature=study.name_unit(one.layer, one.position, one.neuron), share=round_reported(one.share)
        )
        for one in find_writers(bench.frozen, bench.lens, node, count=WRITERS)
    ]


def add_explained_share(workspace: Workspace, state: State) -> list[PlainClaim]:
    """How much of the lead is left when only what the story names stays; none without a story."""
    case = state.get("case")
    bench = bench_of(workspace, case) if case else None
    tests = [*every_claim(state, ConceptEffectClaim), *every_claim(state, ConceptSwapClaim)]
    way = set((state.get("concepts") or {}).get("path", []))
    concepts = [concept for name, concept in held_concepts(tests).items() if name in way]
    held = [c for c in own_claims(state, EffectClaim) if c.removes and c.verdict in HOLDING_VERDICTS]
    held = [claim for claim in held if claim.effect < 0]  # what works against the answer does not bring it
    names = list(dict.fromkeys(name for claim in held for name in claim.groups))
    groups = [group for group in (find_group(name, state) for name in names) if group]
    if bench is None or not (concepts or groups) or workspace.set_name is not None:
        return []
    members = list(dict.fromkeys(member for group in groups for member in group["members"]))
    found = explain_share(
        bench.frozen,
        bench.lens,
        Kept([node_of_concept(one) for one in concepts], workspace.study(bench.case["text"]).units(members)),
        workspace.other_texts,
        bench.case["answer_id"],
        bench.alternatives,
        draws=max(LEAST_DRAWS, min(ENOUGH_CONTROLS, ENOUGH_CONTROLS * LONG // bench.frozen.length)),
        seed=bench.seed("explained"),
    )
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        ExplainedClaim,
        text="What is left of the lead when only what is named here stays as it is on this text.",
        verdict="observed",
        share=round_reported(found.share),
        lead=round_reported(found.lead),
        concepts=[one.id for one in concepts],
        groups=[group["id"] for group in groups],
        kept=len(members),
        controls=round_reported(list(found.random)),
    )
    return [plain_claim(claim)]
