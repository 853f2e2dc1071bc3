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
    enter_claims,
    groups_of,
    move_feature,
    position_of,
    quote_token,
    round_reported,
)
from agent.evidence import choose_label, group_features, new_claim
from agent.experiments.activation_patching import align_positions
from agent.experiments.counterfactual_texts import map_positions
from agent.workspace import Workspace

MIN_OVERLAP = 0.2  # of the neurons of two groups, shared: from here on they are called the same group


def compare_with_text(workspace: Workspace, case: Case, state: State) -> list[PlainClaim]:
    """The ledger with a claim on how the other text's groups match this one's."""
    text = state["question"]["other"]
    if not text or text == case["text"]:
        same = "That is the text that is explained here. " if text else ""
        raise QuestionError(f"{same}Give another text to compare with, in quotes.")
    study = workspace.study(text)
    top = study.predictions(3)
    foil = top[1] if top[0].token_id == case["answer_id"] else None
    foil_id = foil.token_id if foil else case["answer_id"]
    nodes = (state.get("graph") or {})["traced"]
    traced = workspace.traced(text, top[0].token_id, foil_id, nodes)
    other = Case(
        **{
            **case,
            "tokens": list(study.tokens),
            "answer": top[0].token,
            "foil": foil.token if foil else case["answer"],
        }
    )
    features = [
        {**f._asdict(), "role": f.role.value, "label": choose_label(f._asdict())} for f in traced.features()
    ]
    theirs = group_features(features, other, study.layers, lambda ids: traced.raised_together(ids, 6))
    places = map_positions(case["tokens"], other["tokens"], ())
    pairs = [_pair(one, theirs, places) for one in groups_of(state)]
    whole = OtherText(
        text=text,
        answer=other["answer"],
        foil=other["foil"],
        p_answer=round_reported(top[0].p),
        same_answer=foil is not None,
        differ=_list_differing_words(case["tokens"], other["tokens"]),
        their_groups=len(theirs),
    )
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        ComparisonClaim,
        text=f"{len(pairs)} groups are set beside the {len(theirs)} of {quote_token(text)}.",
        other=whole,
        pairs=pairs,
        numbers=[round_reported(g["p"]) for g in case["predictions"]],
    )
    return enter_claims(state, claim)


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
        share=round_reported(share),
        alike=share >= MIN_OVERLAP,
        effect=round_reported(own["effect"]),
        other_effect=round_reported(best["effect"]) if best else 0.0,
    )


def _elsewhere(member: str, places: dict[int, int]) -> str:
    """The same feature at the corresponding word of the other text; at no word where there is none."""
    return move_feature(member, places.get(position_of(member) or 0, -1))


def _list_differing_words(own: list[str], other: list[str]) -> list[str]:
    """The words of this text that another stands in place of; empty where no swap can be made."""
    try:
        _, changed = align_positions(own, other)
    except QuestionError:
        return []
    return [own[p] for p in changed]
