"""Trials: what an intervention will do, registered as a number, then done beside matched controls.

The numbers come from the tracer; what they allow to be said is settled in `agent.experiments`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agent.core import (
    LATE,
    Case,
    Claim,
    Controls,
    EffectClaim,
    Hypothesise,
    KnockOn,
    Manipulation,
    NextToken,
    PatchSource,
    QuestionError,
    RateClaim,
    Repair,
    Scaling,
    State,
    Supernode,
    Swap,
    Test,
    claims_of,
    enter_claims,
    find_group,
    groups_of,
    is_group,
    join_words,
    make_feature_set,
    quote_token,
    round_reported,
    split_group_ids,
    terms_of,
)
from agent.evidence import make_control_seed, new_claim, p_beyond_all, settle_turn, summarise_controls
from agent.experiments.activation_patching import find_patch_source, read_patch_text
from agent.experiments.generalisation import measure_transfer, summarise_transfer
from agent.questions import Intent
from agent.workspace import Workspace
from tracer import ENOUGH_CONTROLS, Contrast, Intervention

TENFOLD = 10  # a test that is extended has p >= a tenth of the usual 1 / (controls + 1)
SWAPPED = 100  # neurons or features taken over from another text: measured to suffice (ARCHITECTURE.md)

Update = dict[str, Any]


def register_hypotheses(workspace: Workspace, action: Hypothesise, state: State) -> Update:
    """Enter, for each group the action names, what its intervention will do, before any test."""
    case, groups = require_case(state), groups_of(state)
    contrast, how, donor = _contrast(workspace, action, state)
    subjects = _subjects(action, state, contrast, donor, how)
    later = [g["members"] for g in groups] if action.intervention != "swap" else []
    forecasts = contrast.forecast([s["members"] for s in subjects], how, later)
    known, made = state.get("claims", []), list[EffectClaim]()
    for subject, forecast in zip(subjects, forecasts, strict=True):
        made.append(
            new_claim(
                [*known, *made],
                state["turn"],
                EffectClaim,
                text=_registered(action, subject, case, donor, forecast.mean),
                groups=split_group_ids(subject["id"]) if is_group(subject["id"]) else [],
                intervention=_intervention(action, donor),
                members=subject["members"],
                predicted=round_reported(forecast.mean),
                predicted_frozen=round_reported(forecast.frozen),
                predicted_exact=round_reported(forecast.exact),
                predicted_curved=round_reported(forecast.curved),
                knock_on=[
                    KnockOn(supernode=g["id"], predicted=round_reported(moved))
                    for g, moved in zip(groups, forecast.knock_on, strict=False)
                    if _is_later(g, subject)
                ],
                numbers=[*list_group_numbers(subject), *(donor.numbers if donor else [])],
            )
        )
    return {"claims": enter_claims(state, *made), "found_note": f"{len(subjects)} predictions registered"}


def run_test(
    workspace: Workspace, action: Test, state: State, progress: Callable[[float], None] = lambda _done: None
) -> Update:
    """Intervene as one registered claim says, beside its controls, and settle the turn's verdicts.

    Raises QuestionError when no such prediction is registered.
    """
    claim = next((c for c in claims_of(state) if c.id == action.claim), None)
    if isinstance(claim, RateClaim):
        over = measure_transfer(workspace, claim, progress)
        return _settle_tests(over, state, summarise_transfer(over))
    if not isinstance(claim, EffectClaim):
        raise QuestionError(f"There is no registered prediction {action.claim}.")
    contrast, how = _again(workspace, claim, state)
    seed = make_control_seed(workspace.subject.name, contrast.study.text, *claim.members)
    groups = {g["id"]: g["members"] for g in groups_of(state)}
    controls, wanted = _controls_at_first(workspace, contrast, claim), workspace.settings.controls
    more = TENFOLD * (wanted + 1) - 1 if action.extend else wanted if controls < wanted else 0
    outcome = contrast.test(
        claim.members,
        how,
        whole=claim.repair is not None,
        controls=controls,
        more=more,
        seed=seed,
        readouts=[groups[k.supernode] for k in claim.knock_on],
        progress=progress,
    )
    # a place with few active others gives few sets: too few to say anything, and then none are used
    by_norm = outcome.norm_controls if len(outcome.norm_controls) >= controls else ()
    says = contrast.study.says_after(claim.members, how, 3)
    moved = zip(claim.knock_on, outcome.knock_on, strict=True)
    found = {
        "measured": round_reported(outcome.measured),
        "measured_frozen": round_reported(outcome.measured_frozen),
        "controls": summarise_controls(outcome.controls, outcome.matched, len(claim.members)),
        "doses": {f"{dose:g}": round_reported(d) for dose, d in outcome.doses.items()} or None,
        "norm_controls": _by_norm(by_norm, outcome.norm_matched, len(claim.members)),
        "p": p_beyond_all(outcome.measured, outcome.controls, by_norm),
        "knock_on": [known.model_copy(update={"measured": round_reported(by)}) for known, by in moved],
        "says": [NextToken(token=s.token, p=round_reported(s.p)) for s in says],
        "repair": _repaired(claim.repair, outcome.say_foil),
    }
    note = f"{claim.id}: predicted {claim.predicted:+.2f}, measured {outcome.measured:+.2f}"
    return _settle_tests(claim.model_copy(update=found), state, note)


def _controls_at_first(workspace: Workspace, contrast: Contrast, claim: EffectClaim) -> int:
    """How many controls are run before it is known whether any is not beaten: few where each is a long run.

    Beaten by one of the first few, a group needs no more (`Contrast.test`); else all are run.
    """
    wanted, study = workspace.settings.controls, contrast.study
    again = len(study.tokens) - int(study.units(claim.members).position.min())
    return wanted if again <= LATE or claim.repair is not None else min(wanted, ENOUGH_CONTROLS)


def _by_norm(controls: Sequence[float], matched: int, size: int) -> Controls | None:
    """What is reported of the controls that move the stream as far; None where nothing else is active."""
    return summarise_controls(controls, matched, size) if controls else None


def _repaired(repair: Repair | None, saying: int) -> Repair | None:
    """A repair with how many of the controls make the model say the wanted token, too."""
    return repair and repair.model_copy(update={"controls_saying": saying})


def _settle_tests(tested: Claim, state: State, note: str) -> Update:
    """The ledger with this test in its place, and the verdicts of the turn's tests, all of them together."""
    claims = [tested if c.id == tested.id else c for c in claims_of(state)]
    return {"claims": settle_turn(claims, state["turn"]), "found_note": note}


def _contrast(
    workspace: Workspace, action: Hypothesise, state: State
) -> tuple[Contrast, Intervention, PatchSource | None]:
    """What the prediction is about; a swap is measured against what the other text says."""
    case = require_case(state)
    if action.intervention != "swap":
        contrast = workspace.contrast(case["text"], case["answer_id"], case["foil_id"])
        return contrast, Intervention(action.intervention, action.factor), None
    if not action.donor:
        raise QuestionError("Say what to put in its place, for example: swap Texas for Colorado.")
    if state["question"]["intent"] == Intent.COMPARE:
        donor = read_patch_text(workspace, case, action.donor)
    else:
        donor = find_patch_source(workspace, case, action.groups[0], action.donor, groups_of(state))
    contrast = workspace.contrast(case["text"], case["answer_id"], donor.foil_id)
    return contrast, _swap(workspace, donor), donor


def _swap(workspace: Workspace, donor: PatchSource) -> Intervention:
    return Intervention("swap", 1.0, workspace.study(donor.text), donor.shift)


def _again(workspace: Workspace, claim: EffectClaim, state: State) -> tuple[Contrast, Intervention]:
    case, how = require_case(state), claim.intervention
    if isinstance(how, Scaling):
        contrast = workspace.contrast(case["text"], case["answer_id"], case["foil_id"])
        return contrast, Intervention(how.kind, how.factor)
    contrast = workspace.contrast(case["text"], case["answer_id"], how.donor.foil_id)
    return contrast, _swap(workspace, how.donor)


def _subjects(
    action: Hypothesise, state: State, contrast: Contrast, donor: PatchSource | None, how: Intervention
) -> list[Supernode]:
    """The groups an action names; a swap acts on the strongest features where the texts differ."""
    if donor is None:
        return [find_group(name, state) for name in action.groups]
    units = terms_of(state).units
    members = contrast.strongest_at(donor.positions, SWAPPED, how)
    name = f"{len(members)} {units} at {join_words([quote_token(w) for w in donor.replaced])}"
    whole = make_feature_set(members, name, (0, contrast.study.layers - 1))
    return [{**whole, "position": donor.positions[-1]}]


def require_case(state: State) -> Case:
    """The text being explained; raises QuestionError when there is none."""
    case = state.get("case")
    if case is None:
        raise QuestionError("There is no text to explain yet. Give one, in quotes.")
    return case


def list_group_numbers(group: Supernode) -> list[float]:
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


def _intervention(action: Hypothesise, donor: PatchSource | None) -> Manipulation:
    if donor is not None:
        return Swap(donor=donor)
    return Scaling(kind="ablate" if action.factor == 0 else "steer", factor=action.factor)


def _registered(
    action: Hypothesise, group: Supernode, case: Case, donor: PatchSource | None, predicted: float
) -> str:
    foil = donor.foil if donor else case["foil"]
    what = {
        "ablate": f"Removing {group['id']} ({group['name']})",
        "steer": f"Scaling {group['id']} ({group['name']}) by {action.factor:g}",
        "swap": f"Giving {group['name']} the values they have in another text",
    }[action.intervention]
    return (
        f"{what} changes logit({quote_token(case['answer'])}) − "
        f"logit({quote_token(foil)}) by about {predicted:+.2f}."
    )
