"""Trials: what an intervention will do, registered as a number, then done beside matched controls.

The numbers come from the tracer; what they allow to be said is settled in `agent.experiments`.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from agent.core import (
    Case,
    Claim,
    Hypothesise,
    QuestionError,
    State,
    Supernode,
    Test,
    basis_of,
    listed,
    named_group,
    quoted,
    rounded,
)
from agent.evidence import new_claim, p_value, seed_of, settle, summary
from agent.experiments.activation_patching import Donor, donor_for, donor_text
from agent.experiments.generalisation import describes, measure_transfer
from agent.questions import Intent
from agent.workspace import Desk
from tracer import Contrast, Intervention

TENFOLD = 10  # a test that is extended has p >= a tenth of the usual 1 / (controls + 1)
SWAPPED = 100  # neurons or features taken over from another text: measured to suffice (ARCHITECTURE.md)

Update = dict[str, Any]


def register(desk: Desk, action: Hypothesise, state: State) -> Update:
    """Enter, for each group the action names, what its intervention will do, before any test."""
    case, groups = case_in(state), state.get("groups") or []
    contrast, how, donor = _contrast(desk, action, state)
    subjects = _subjects(action, state, contrast, donor, how)
    later = [g["members"] for g in groups] if action.intervention != "swap" else []
    forecasts = contrast.forecast([s["members"] for s in subjects], how, later)
    claims = list(state.get("claims", []))
    for subject, forecast in zip(subjects, forecasts, strict=True):
        claims.append(
            new_claim(
                claims,
                state["turn"],
                kind="effect",
                text=_registered(action, subject, case, donor, forecast.mean),
                supernode=subject["id"] if subject["id"].startswith("S") else None,
                intervention=_intervention(action, donor),
                members=subject["members"],
                predicted=rounded(forecast.mean),
                predicted_frozen=rounded(forecast.frozen),
                predicted_exact=rounded(forecast.exact),
                predicted_curved=rounded(forecast.curved),
                verdict="graph-only",
                knock_on=[
                    {"supernode": g["id"], "predicted": rounded(moved), "measured": 0.0}
                    for g, moved in zip(groups, forecast.knock_on, strict=False)
                    if _is_later(g, subject)
                ],
                numbers=[*numbers_of(subject), *(donor.numbers if donor else [])],
            )
        )
    return {"claims": claims, "found_note": f"{len(subjects)} predictions registered"}


def run_test(
    desk: Desk, action: Test, state: State, progress: Callable[[float], None] = lambda _done: None
) -> Update:
    """Intervene as one registered claim says, beside its controls, and settle the turn's verdicts.

    Raises QuestionError when no such prediction is registered.
    """
    claims = list(state.get("claims", []))
    index = next((i for i, c in enumerate(claims) if c["id"] == action.claim), None)
    if index is None or claims[index]["intervention"] is None:
        raise QuestionError(f"There is no registered prediction {action.claim}.")
    claim = claims[index]
    if claim["kind"] == "rate":
        claims[index] = measure_transfer(desk, claim, progress)
        return _settled(claims, state, describes(claims[index]))
    contrast, how = _again(desk, claim, state)
    seed = seed_of(desk.subject.name, contrast.study.text, *claim["members"])
    groups = {g["id"]: g["members"] for g in state.get("groups") or []}
    wanted = (claim["intervention"] or {}).get("wanted")
    outcome = contrast.test(
        claim["members"],
        how,
        whole=bool(wanted),
        controls=desk.settings.controls,
        more=TENFOLD * (desk.settings.controls + 1) - 1 if action.extend else 0,
        seed=seed,
        readouts=[groups[k["supernode"]] for k in claim["knock_on"]],
        progress=progress,
    )
    says = contrast.study.says_after(claim["members"], how, 3)
    tested = Claim(**claim)
    tested["measured"] = rounded(outcome.measured)
    tested["measured_frozen"] = rounded(outcome.measured_frozen)
    tested["controls"] = rounded(summary(outcome.controls, outcome.matched, len(claim["members"])))
    tested["doses"] = {f"{dose:g}": rounded(d) for dose, d in outcome.doses.items()} or None
    tested["p"] = p_value(outcome.measured, outcome.controls)
    tested["knock_on"] = [
        {**known, "measured": rounded(moved)}
        for known, moved in zip(claim["knock_on"], outcome.knock_on, strict=True)
    ]
    tested["says"] = [{"token": s.token, "p": rounded(s.p)} for s in says]
    if wanted:
        tested["numbers"] = [*claim["numbers"], outcome.say_foil]
    claims[index] = tested
    note = f"{claim['id']}: predicted {claim['predicted']:+.2f}, measured {outcome.measured:+.2f}"
    return _settled(claims, state, note)


def _settled(claims: list[Claim], state: State, note: str) -> Update:
    """The verdicts of the turn's tests, all of them together."""
    own = [c for c in claims if c["turn"] == state["turn"]]
    settled = {c["id"]: c for c in settle(own)}
    claims = [settled.get(c["id"], c) for c in claims]
    return {"claims": claims, "found_note": note}


def _contrast(desk: Desk, action: Hypothesise, state: State) -> tuple[Contrast, Intervention, Donor | None]:
    """What the prediction is about; a swap is measured against what the other text says."""
    case = case_in(state)
    if action.intervention != "swap":
        contrast = desk.contrast(case["text"], case["answer_id"], case["foil_id"])
        return contrast, Intervention(action.intervention, action.factor), None
    if not action.donor:
        raise QuestionError("Say what to put in its place, for example: swap Texas for Colorado.")
    if state["question"]["intent"] == Intent.COMPARE:
        donor = donor_text(desk, case, action.donor)
    else:
        donor = donor_for(desk, case, action.groups[0], action.donor, state.get("groups") or [])
    contrast = desk.contrast(case["text"], case["answer_id"], donor.foil_id)
    return contrast, _swap(desk, donor), donor


def _swap(desk: Desk, donor: Donor) -> Intervention:
    return Intervention("swap", 1.0, desk.study(donor.text), donor.shift)


def _again(desk: Desk, claim: Claim, state: State) -> tuple[Contrast, Intervention]:
    case, how = case_in(state), claim["intervention"] or {}
    if how["kind"] != "swap":
        contrast = desk.contrast(case["text"], case["answer_id"], case["foil_id"])
        return contrast, Intervention(how["kind"], how["factor"])
    donor = Donor.read(how["donor"])
    contrast = desk.contrast(case["text"], case["answer_id"], donor.foil_id)
    return contrast, _swap(desk, donor)


def _subjects(
    action: Hypothesise, state: State, contrast: Contrast, donor: Donor | None, how: Intervention
) -> list[Supernode]:
    """The groups an action names; a swap acts on the strongest features where the texts differ."""
    if donor is None:
        return [named_group(name, state) for name in action.groups]
    units = basis_of(state).units
    members = contrast.strongest_at(donor.positions, SWAPPED, how)
    whole = f"{len(members)} {units} at {listed([quoted(w) for w in donor.replaced])}"
    return [
        Supernode(
            id=units,
            name=whole,
            kind="input",
            sign=1,
            share=0.0,
            effect=0.0,
            position=donor.positions[-1],
            layers=[0, contrast.study.layers - 1],
            members=members,
            raises=[],
            lowers=[],
        )
    ]


def case_in(state: State) -> Case:
    """The text being explained; raises QuestionError when there is none."""
    case = state.get("case")
    if case is None:
        raise QuestionError("There is no text to explain yet. Give one, in quotes.")
    return case


def numbers_of(group: Supernode) -> list[float]:
    """Numbers a sentence on a group may state."""
    return [
        group["share"],
        group["effect"],
        len(group["members"]),
        group["position"],
        *group["layers"],
    ]


def _is_later(later: Supernode, earlier: Supernode) -> bool:
    """Whether the earlier group can reach the later one and they share no member."""
    return later["layers"][0] > earlier["layers"][1] and later["position"] >= earlier["position"]


def _intervention(action: Hypothesise, donor: Donor | None) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": action.intervention, "factor": action.factor}
    if donor is not None:
        out |= {"factor": 1.0, "donor": asdict(donor)}
    return out


def _registered(
    action: Hypothesise, group: Supernode, case: Case, donor: Donor | None, predicted: float
) -> str:
    foil = donor.foil if donor else case["foil"]
    what = {
        "ablate": f"Removing {group['id']} ({group['name']})",
        "steer": f"Scaling {group['id']} ({group['name']}) by {action.factor:g}",
        "swap": f"Giving {group['name']} the values they have in another text",
    }[action.intervention]
    return (
        f"{what} changes logit({quoted(case['answer'])}) − logit({quoted(foil)}) by about {predicted:+.2f}."
    )
