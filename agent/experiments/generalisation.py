"""Does a finding hold on other texts? The group found again there, predicted, tested, and counted as a rate.

On each text the group is looked for by the same grouping; where none corresponds, its own features at the
corresponding words are taken. Which of the two was done stands in every row.
"""

from collections.abc import Callable
from typing import Any

from agent.core import (
    Case,
    Generalise,
    PlainClaim,
    RateClaim,
    State,
    Supernode,
    TextResult,
    enter_claims,
    find_group,
    round_reported,
    split_group_ids,
)
from agent.evidence import (
    LEVEL,
    choose_label,
    group_features,
    make_control_seed,
    new_claim,
    p_value,
    rate_p_value,
    summarise_controls,
)
from agent.experiments.counterfactual_texts import Variant, count_known_right, list_variants, map_positions
from agent.workspace import Workspace
from tracer import Intervention, Study, TracedStudy, TracerError

NODES = 500  # features of a variant's graph: its strongest groups are those of a larger one


def register_transfer(
    workspace: Workspace, action: Generalise, case: Case, state: State, progress: Callable[[float], None]
) -> list[PlainClaim]:
    """The ledger with a claim that predicts, text by text, what removing the group does there."""
    own = find_group(action.group, state)
    texts = list_variants(action.over, case["text"], state["question"]["other"])
    rows = []
    for index, variant in enumerate(texts):
        progress(index / len(texts))
        rows.append(_predict_text(workspace, variant, case, own))
    foreseen = [row["predicted"] for row in rows if "predicted" in row]
    what = "paraphrases" if action.over == "paraphrases" else "texts about another entity"
    does = "lowers" if own["sign"] > 0 else "raises"
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        RateClaim,
        text=f"Removing what corresponds to {own['id']} {does} the answer's lead on {len(rows)} {what}.",
        groups=split_group_ids(own["id"]),
        over=action.over,
        members=own["members"],
        predicted=round_reported(sum(foreseen) / len(foreseen)) if foreseen else None,
        texts=[TextResult(**round_reported(row)) for row in rows],
    )
    return enter_claims(state, claim)


def _predict_text(workspace: Workspace, variant: Variant, case: Case, own: Supernode) -> dict[str, Any]:
    """One text: what the model says there, the corresponding group, what removing it is foreseen to do."""
    row: dict[str, Any] = {"text": variant.text, "changed": [list(pair) for pair in variant.changed]}
    try:
        study = workspace.study(variant.text)
    except TracerError as exc:
        return {**row, "how": str(exc)}
    top = study.predictions(2)
    answer, foil = top[0], top[1]
    if answer.token_id == case["answer_id"]:  # the same question: contrasted with the same foil
        foil = foil._replace(token=case["foil"], token_id=case["foil_id"])
    contrast = study.contrast(answer.token_id, foil.token_id)
    there = map_positions(case["tokens"], list(study.tokens), variant.changed)
    found = _find_matching_group(own, there, study, contrast_of=TracedStudy(contrast, NODES), case=case)
    if found is None:
        found = _carry_features(workspace.study(case["text"]), own, there, study), "own features", own["name"]
    members, how, name = found
    row |= {
        "answer": answer.token,
        "answer_id": answer.token_id,
        "p_answer": answer.p,
        "foil": foil.token,
        "foil_id": foil.token_id,
        "same_answer": answer.token_id == case["answer_id"],
        "how": how if members else "no corresponding words",
        "name": name,
        "members": members,
    }
    if members:
        (forecast,) = contrast.forecast([members], Intervention("ablate"))
        row["predicted"] = forecast.mean
    return row


def _find_matching_group(
    own: Supernode, there: dict[int, int], study: Study, contrast_of: TracedStudy, case: Case
) -> tuple[list[str], str, str] | None:
    """The group the same grouping finds there at the corresponding word, of the same sort and sign."""
    features = [
        {**f._asdict(), "role": f.role.value, "label": choose_label(f._asdict())}
        for f in contrast_of.features()
    ]
    contrast = contrast_of.contrast
    texts = study.subject.token_texts([contrast.answer, contrast.foil])
    other = Case(**{**case, "tokens": list(study.tokens), "answer": texts[0], "foil": texts[1]})
    groups = group_features(features, other, study.layers, lambda ids: contrast_of.raised_together(ids, 6))
    position = there.get(own["position"])
    same = [
        g
        for g in groups
        if g["sign"] == own["sign"]
        and g["position"] == position
        and g["layers"][0] <= own["layers"][1]
        and own["layers"][0] <= g["layers"][1]
    ]
    same.sort(key=lambda g: (g["kind"] != own["kind"], -abs(g["effect"]), g["id"]))
    return (same[0]["members"], "same grouping", same[0]["name"]) if same else None


def _carry_features(here: Study, own: Supernode, there: dict[int, int], study: Study) -> list[str]:
    """The group's own features at the corresponding positions."""
    columns = (column.tolist() for column in here.units(own["members"]))
    places = zip(*columns, strict=True)
    return [study.name_unit(layer, there[p], feature) for layer, p, feature in places if p in there]


def measure_transfer(
    workspace: Workspace, claim: RateClaim, progress: Callable[[float], None] = lambda _done: None
) -> RateClaim:
    """The claim with every text measured beside its own controls, and the rate."""
    out = []
    for index, text in enumerate(claim.texts):
        progress(index / len(claim.texts))
        out.append(_measure_row(workspace, text) if text.members else text)
    tested = claim.model_copy(
        update={"texts": out, "numbers": [workspace.settings.controls, *count_known_right(out)]}
    )
    changes = [text.measured or 0.0 for text in out if text.members]
    if not changes:
        return tested
    mean = round_reported(sum(changes) / len(changes))
    return tested.model_copy(update={"measured": mean, "p": rate_p_value(len(changes), tested.held)})


def _measure_row(workspace: Workspace, text: TextResult) -> TextResult:
    """A text on which something corresponds to the group, with what removing that does."""
    assert text.answer_id is not None
    assert text.foil_id is not None
    assert text.predicted is not None
    contrast = workspace.contrast(text.text, text.answer_id, text.foil_id)
    outcome = contrast.test(
        text.members,
        Intervention("ablate"),
        controls=workspace.settings.controls,
        seed=make_control_seed(workspace.subject.name, text.text, *text.members),
    )
    says = contrast.study.says_after(text.members, Intervention("ablate"), 1)[0]
    p = p_value(outcome.measured, outcome.controls)
    found = {
        "measured": round_reported(outcome.measured),
        "measured_frozen": round_reported(outcome.measured_frozen),
        "controls": summarise_controls(outcome.controls, outcome.matched, len(text.members)),
        "p": round_reported(p),
        "says": says.token,
        "p_says": round_reported(says.p),
        "holds": p <= LEVEL and outcome.measured * text.predicted > 0,
    }
    return text.model_copy(update=found)


def summarise_transfer(claim: RateClaim) -> str:
    """One line for the log."""
    texts = len(claim.texts)
    return f"{claim.id}: holds on {claim.held} of {texts} texts" if texts else "no such text is known"
