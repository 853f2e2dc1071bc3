"""Does a finding hold on other texts? The group found again there, predicted, tested, and counted as a rate.

On each text the group is looked for by the same grouping; where none corresponds, its own features at the
corresponding words are taken. Which of the two was done stands in every row.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agent.core import Case, Claim, Generalise, State, Supernode, named_group, rounded
from agent.evidence import LEVEL, group, label_of, new_claim, p_value, rate_p, seed_of, summary
from agent.experiments.counterfactual_texts import Variant, corresponding, known_right, texts_over
from agent.workspace import Desk
from tracer import Intervention, Study, TracedStudy, TracerError

NODES = 500  # features of a variant's graph: its strongest groups are those of a larger one

Row = dict[str, Any]


def register_transfer(
    desk: Desk, action: Generalise, case: Case, state: State, progress: Callable[[float], None]
) -> list[Claim]:
    """The ledger with a claim that predicts, text by text, what removing the group does there."""
    own = named_group(action.group, state)
    texts = texts_over(action.over, case["text"], state["question"]["other"])
    rows = []
    for index, variant in enumerate(texts):
        progress(index / len(texts))
        rows.append(_foreseen(desk, variant, case, own))
    foreseen = [row["predicted"] for row in rows if row["members"]]
    claims = list(state.get("claims", []))
    what = "paraphrases" if action.over == "paraphrases" else "texts about another entity"
    does = "lowers" if own["sign"] > 0 else "raises"
    claim = new_claim(
        claims,
        state["turn"],
        kind="rate",
        text=f"Removing what corresponds to {own['id']} {does} the answer's lead on {len(rows)} {what}.",
        supernode=own["id"],
        intervention={"kind": "ablate", "factor": 0.0, "over": action.over},
        members=own["members"],
        predicted=rounded(sum(foreseen) / len(foreseen)) if foreseen else None,
        rows=rounded(rows),
        numbers=[len(rows)],
    )
    return [*claims, claim]


def _foreseen(desk: Desk, variant: Variant, case: Case, own: Supernode) -> Row:
    """One text: what the model says there, the corresponding group, what removing it is foreseen to do."""
    row: Row = {"text": variant.text, "changed": [list(pair) for pair in variant.changed]}
    try:
        study = desk.study(variant.text)
    except TracerError as exc:
        return {**row, "members": [], "how": str(exc), "answer": None}
    top = study.predictions(2)
    answer, foil = top[0], top[1]
    if answer.token_id == case["answer_id"]:  # the same question: contrasted with the same foil
        foil = foil._replace(token=case["foil"], token_id=case["foil_id"])
    contrast = study.contrast(answer.token_id, foil.token_id)
    there = corresponding(case["tokens"], list(study.tokens), variant.changed)
    found = _found_again(own, there, study, contrast_of=TracedStudy(contrast, NODES), case=case)
    if found is None:
        found = _carried(desk.study(case["text"]), own, there, study), "own features", own["name"]
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


def _found_again(
    own: Supernode, there: dict[int, int], study: Study, contrast_of: TracedStudy, case: Case
) -> tuple[list[str], str, str] | None:
    """The group the same grouping finds there at the corresponding word, of the same sort and sign."""
    features = [
        {**f._asdict(), "role": f.role.value, "label": label_of(f._asdict())} for f in contrast_of.features()
    ]
    contrast = contrast_of.contrast
    texts = study.subject.token_texts([contrast.answer, contrast.foil])
    other = Case(**{**case, "tokens": list(study.tokens), "answer": texts[0], "foil": texts[1]})
    groups = group(features, other, study.layers, lambda ids: contrast_of.raised_together(ids, 6))
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


def _carried(here: Study, own: Supernode, there: dict[int, int], study: Study) -> list[str]:
    """The group's own features at the corresponding positions."""
    columns = (column.tolist() for column in here.units(own["members"]))
    places = zip(*columns, strict=True)
    return [study.name_unit(layer, there[p], feature) for layer, p, feature in places if p in there]


def measure_transfer(
    desk: Desk, claim: Claim, progress: Callable[[float], None] = lambda _done: None
) -> Claim:
    """The claim with every text measured beside its own controls, and the rate."""
    rows: Sequence[Row] = claim["rows"] or []
    out: list[Row] = []
    for index, row in enumerate(rows):
        progress(index / len(rows))
        out.append({**row, **_measured(desk, row)} if row["members"] else {**row, "holds": False})
    tested = Claim(**claim)
    run = [row for row in out if row["members"]]
    tested["rows"] = rounded(out)
    held = sum(row["holds"] for row in out)
    if run:
        tested["measured"] = rounded(sum(row["measured"] for row in run) / len(run))
        tested["p"] = rate_p(len(run), held)
    same = sum(bool(row.get("same_answer")) for row in out)
    by_grouping = sum(row["how"] == "same grouping" for row in out)
    tested["numbers"] = [
        *claim["numbers"],
        *(held, same, by_grouping, len(run), desk.settings.controls, *known_right(out)),
        *(rounded(row[name]) for row in run for name in ("p_answer", "predicted", "measured", "p", "p_says")),
        *(len(row["members"]) for row in run),
    ]
    return tested


def _measured(desk: Desk, row: Row) -> Row:
    contrast = desk.contrast(row["text"], row["answer_id"], row["foil_id"])
    outcome = contrast.test(
        row["members"],
        Intervention("ablate"),
        controls=desk.settings.controls,
        seed=seed_of(desk.subject.name, row["text"], *row["members"]),
    )
    says = contrast.study.says_after(row["members"], Intervention("ablate"), 1)[0]
    p = p_value(outcome.measured, outcome.controls)
    return {
        "measured": outcome.measured,
        "measured_frozen": outcome.measured_frozen,
        "controls": summary(outcome.controls, outcome.matched, len(row["members"])),
        "p": p,
        "says": says.token,
        "p_says": says.p,
        "holds": p <= LEVEL and outcome.measured * row["predicted"] > 0,
    }


def describes(claim: Claim) -> str:
    """One line for the log."""
    rows = claim["rows"] or []
    held = sum(bool(row.get("holds")) for row in rows)
    return f"{claim['id']}: holds on {held} of {len(rows)} texts" if rows else "no such text is known"
