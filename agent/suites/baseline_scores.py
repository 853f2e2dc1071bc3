"""Baselines beside the agent: what they guess about a case, and which of it stands when it is tested."""

from agent.core import Case, GuessClaim, PlainClaim, every_claim, plain_claim, round_reported
from agent.evidence import make_control_seed, p_value, settle_verdicts, summarise_controls
from agent.planners import ONE_SHOT, TEXT_ONLY, find_content_words
from agent.session import Session, collect_report
from agent.suites.schema import SuiteCase
from agent.workspace import Workspace
from tracer import Intervention

AT_A_WORD = 20  # neurons removed at a word, to test what is said of it: the strongest there


def baseline_claims(workspace: Workspace, case: SuiteCase) -> dict[str, list[PlainClaim]]:
    """For each baseline its guesses on a case, each tested as the agent's own claims are.

    A feature is removed as it is; a word is tested by removing the AT_A_WORD neurons at it with the largest
    total effect. Controls, Holm (within a baseline's guesses on the case) and verdicts are the agent's.
    """
    out: dict[str, list[PlainClaim]] = {}
    for style in (ONE_SHOT, TEXT_ONLY):
        session = Session(workspace, f"{style}-{case.id}", planner=style)
        try:
            collect_report(session.ask("", text=case.text, said=case.answer, foil=case.foil))
            state = session.bundle().state
        finally:
            session.forget()
        known = state.get("case")
        assert known is not None
        claims = every_claim(state, GuessClaim)
        out[style] = [plain_claim(claim) for claim in test_claims(workspace, known, claims)]
    return out


def test_claims(workspace: Workspace, case: Case, claims: list[GuessClaim]) -> list[GuessClaim]:
    """The guesses with a prediction, a test and a verdict each."""
    if not claims:
        return []
    contrast, ablate = (
        workspace.contrast(case["text"], case["answer_id"], case["foil_id"]),
        Intervention("ablate"),
    )
    members = [claim.members for claim in claims]
    for index, position in enumerate(find_content_words(case)[: len(claims)]):
        members[index] = members[index] or contrast.strongest_at([position], AT_A_WORD)
    forecasts = contrast.forecast(members, ablate)
    out = []
    for claim, features, forecast in zip(claims, members, forecasts, strict=True):
        seed = make_control_seed(workspace.subject.name, case["text"], *features)
        outcome = contrast.test(features, ablate, controls=workspace.settings.controls, seed=seed)
        found = {
            "members": features,
            "predicted": round_reported(forecast.mean),
            "measured": round_reported(outcome.measured),
            "controls": summarise_controls(outcome.controls, outcome.matched, len(features)),
            "doses": {f"{dose:g}": round_reported(d) for dose, d in outcome.doses.items()} or None,
            "p": p_value(outcome.measured, outcome.controls),
        }
        out.append(claim.model_copy(update=found))
    return settle_verdicts(out)
