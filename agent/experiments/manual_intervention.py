"""What a reader does to the picture by hand: one intervention, looked at at once, with no controls.

A `ManualIntervention` may be kept: it then stands in the conversation and in the ledger, marked as the
reader's own.
"""

import threading
from typing import Any, NamedTuple

from agent.core import (
    NextToken,
    PlainClaim,
    QuestionError,
    Scaling,
    State,
    TriedClaim,
    Unsupported,
    claim_group,
    escape_md,
    find_group,
    groups_of,
    is_group,
    percent,
    plain_claim,
    quote_token,
    round_reported,
    show_change,
    show_group,
    split_group_ids,
)
from agent.evidence import Sentence, find_faults, new_claim
from agent.workspace import Workspace
from tracer import Intervention, TracerError

FACTOR_RANGE = (-2.0, 3.0)  # how far the slider goes
TOKENS_SHOWN = 6  # next tokens beside each other
PATIENCE = 0.8  # seconds to wait for a workspace that answers somebody else


class ManualIntervention(NamedTuple):
    """One intervention: what was scaled, by what, and what the model then says."""

    focus: str
    name: str
    members: list[str]
    factor: float
    change: float  # of logit(answer) - logit(foil)
    tokens: list[dict[str, Any]]  # token, before, after

    def plain(self) -> dict[str, Any]:
        """The same for a screen."""
        return {"id": self.focus, "factor": self.factor, "change": self.change, "tokens": self.tokens}


def try_factor(workspace: Workspace, state: State, focus: str, factor: float) -> ManualIntervention:
    """Scale a group or a feature of the picture and run the model once.

    Raises QuestionError when there is nothing to scale or somebody else's question is being answered.
    """
    case = state.get("case")
    if case is None:
        raise QuestionError("There is no circuit to try anything on yet. Ask about a text first.")
    low, high = FACTOR_RANGE
    if not low <= factor <= high:
        raise QuestionError(
            f"The factor {factor:g} cannot be tried: the slider goes from {low:g} to {high:g}."
        )
    group = find_group(focus, state)
    with workspace.turns.place(threading.Event()) as place:
        if not place.wait(PATIENCE):
            raise QuestionError("Another question is being answered; move the slider again in a moment.")
        try:
            contrast = workspace.contrast(case["text"], case["answer_id"], case["foil_id"])
            seen = contrast.run_once(group["members"], Intervention("steer", factor), TOKENS_SHOWN)
        except TracerError as exc:
            raise QuestionError(str(exc)) from exc
    tokens = [
        {"token": name, "before": round_reported(p), "after": round_reported(q)} for name, p, q in seen.tokens
    ]
    return ManualIntervention(
        group["id"], group["name"], group["members"], factor, round_reported(seen.change), tokens
    )


def make_try_claim(state: State, tried: ManualIntervention) -> tuple[PlainClaim, Sentence]:
    """The claim a try leaves in the ledger and the sentence that tells it; nothing was tested."""
    case, claims = state.get("case"), state.get("claims", [])
    assert case is not None
    group = find_group(tried.focus, state)
    claim = new_claim(
        claims,
        state["turn"],
        TriedClaim,
        by="user",
        text=f"{tried.focus} ({tried.name}) was scaled by {tried.factor:g} by hand.",
        groups=split_group_ids(tried.focus) if is_group(tried.focus) else [],
        intervention=Scaling(kind="steer" if tried.factor else "ablate", factor=tried.factor),
        members=tried.members,
        measured=tried.change,
        says=[NextToken(token=t["token"], p=t["after"]) for t in list_next_tokens(tried)],
        numbers=[group["position"], *group["layers"], len(group["members"])],
        verdict="observed",
    )
    did = "removed" if tried.factor == 0 else "scaled"
    by = "" if tried.factor == 0 else f" by {tried.factor:g}"
    top = list_next_tokens(tried)[0]
    sentence = Sentence(
        f"You {did} {show_group(claim_group(claim, state), case)}{by}: "
        f"logit({quote_token(case['answer'])}) − "
        f"logit({quote_token(case['foil'])}) changes by {show_change(tried.change)}, and the model says "
        f"{quote_token(top['token'])} ({percent(top['after'])}). No controls were run: this was looked at, "
        "not tested.",
        (claim.id,),
    )
    wrong = find_faults([sentence], [claim], [g["id"] for g in groups_of(state)])
    if wrong:
        raise Unsupported(f"What you did cannot be put into words: {wrong[0]}.")
    return plain_claim(claim), sentence


def list_next_tokens(tried: ManualIntervention) -> list[dict[str, Any]]:
    """The next tokens, likeliest first as the model stands now."""
    return sorted(tried.tokens, key=lambda t: -t["after"])


def write_request(tried: ManualIntervention) -> str:
    """What the reader did, as their own line of the conversation."""
    what = f"{tried.focus} ({tried.name})" if is_group(tried.focus) else tried.focus
    return f"Remove {what} by hand." if tried.factor == 0 else f"Scale {what} by {tried.factor:g} by hand."


def write_reply(sentence: Sentence) -> str:
    """The sentence as markdown."""
    return escape_md(sentence.text)
