"""Two texts side by side: what each is continued with, which groups they share, and where they differ.

Groups are matched by the neurons they share at corresponding words. Read from two graphs, not tested.
"""

from agent.core import (
    Case,
    ComparisonClaim,
    GroupPair,
    OtherText,
    PlainClaim,
    QuestionError,
    State,
    Supernode,
    entered,
    groups_of,
    moved_to,
    position_of,
    quoted,
    rounded,
)
from agent.evidence import group, label_of, new_claim
from agent.experiments.activation_patching import align
from agent.experiments.counterfactual_texts import corresponding
from agent.workspace import Desk

ALIKE = 0.2  # of the neurons of two groups, shared: from here on they are called the same group


def comparison(desk: Desk, case: Case, state: State) -> list[PlainClaim]:
    """The ledger with a claim on how the other text's groups match this one's."""
    text = state["question"]["other"]
    if not text or text == case["text"]:
        same = "That is the text that is explained here. " if text else ""
        raise QuestionError(f"{same}Give another text to compare with, in quotes.")
    study = desk.study(text)
    top = study.predictions(3)
    foil = top[1] if top[0].token_id == case["answer_id"] else None
    foil_id = foil.token_id if foil else case["answer_id"]
    nodes = (state.get("graph") or {})["traced"]
    traced = desk.traced(text, top[0].token_id, foil_id, nodes)
    other = Case(
        **{
            **case,
            "tokens": list(study.tokens),
            "answer": top[0].token,
            "foil": foil.token if foil else case["answer"],
        }
    )
    features = [
        {**f._asdict(), "role": f.role.value, "label": label_of(f._asdict())} for f in traced.features()
    ]
    theirs = group(features, other, study.layers, lambda ids: traced.raised_together(ids, 6))
    places = corresponding(case["tokens"], other["tokens"], ())
    pairs = [_pair(one, theirs, places) for one in groups_of(state)]
    whole = OtherText(
        text=text,
        answer=other["answer"],
        foil=other["foil"],
        p_answer=rounded(top[0].p),
        same_answer=foil is not None,
        differ=_differ(case["tokens"], other["tokens"]),
        their_groups=len(theirs),
    )
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        ComparisonClaim,
        text=f"{len(pairs)} groups are set beside the {len(theirs)} of {quoted(text)}.",
        other=whole,
        pairs=pairs,
        numbers=[rounded(g["p"]) for g in case["predictions"]],
    )
    return entered(state, claim)


def _pair(own: Supernode, theirs: list[Supernode], places: dict[int, int]) -> GroupPair:
    """A group and the one of the other text that shares most with it."""
    here = {_elsewhere(member, places) for member in own["members"]}
    best, most, union = None, 0, len(here)
    for other in theirs:
        both = here & set(other["members"])
        if len(both) > most:
            best, most, union = other, len(both), len(here | set(other["members"]))
    share = most / union if union else 0.0
    return GroupPair(
        group=own["id"],
        name=own["name"],
        other=best["name"] if best else None,
        shared=most,
        union=union,
        share=rounded(share),
        alike=share >= ALIKE,
        effect=rounded(own["effect"]),
        other_effect=rounded(best["effect"]) if best else 0.0,
    )


def _elsewhere(member: str, places: dict[int, int]) -> str:
    """The same feature at the corresponding word of the other text; at no word where there is none."""
    return moved_to(member, places.get(position_of(member) or 0, -1))


def _differ(own: list[str], other: list[str]) -> list[str]:
    """The words of this text that another stands in place of; empty where no swap can be made."""
    try:
        _, changed = align(own, other)
    except QuestionError:
        return []
    return [own[p] for p in changed]
