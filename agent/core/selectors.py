"""What is in the state of a conversation: the one place that knows where to look."""

from typing import TypeVar, cast

from agent.core.claim_base import BaseClaim, TestedClaim
from agent.core.claims import (
    Claim,
    EffectClaim,
    GraphClaim,
    PathClaim,
    PlainClaim,
    PredictionClaim,
    RateClaim,
    plain_claim,
    read_claims,
)
from agent.core.errors import Unsupported
from agent.core.state import Case, State, Supernode

C = TypeVar("C", bound=BaseClaim)


def case_of(state: State) -> Case:
    """The text being explained; raises Unsupported when there is none."""
    case = state.get("case")
    if case is None:
        raise Unsupported("There is no text to answer about.")
    return case


def groups_of(state: State) -> list[Supernode]:
    """The groups of the picture; none before there is one."""
    return state.get("groups") or []


def path_of(state: State) -> list[str]:
    """The strongest path: T1, S2, …, LD; empty where none stands out, or before there is a picture."""
    return list((state.get("flows") or {}).get("path", []))


def claims_of(state: State) -> list[Claim]:
    """The ledger: every claim on this text, of this turn and of earlier ones."""
    return read_claims(state.get("claims", []))


def enter_claims(state: State, *claims: Claim) -> list[PlainClaim]:
    """The ledger as the state keeps it, with these claims at its end."""
    return [*state.get("claims", []), *map(plain_claim, claims)]


def every_claim(state: State, *kinds: type[C]) -> list[C]:
    """The claims of these classes, of any turn."""
    return [cast(C, claim) for claim in claims_of(state) if isinstance(claim, kinds)]


def own_claims(state: State, *kinds: type[C]) -> list[C]:
    """This turn's claims of these classes."""
    return [claim for claim in every_claim(state, *kinds) if claim.turn == state["turn"]]


def predictions_of(state: State) -> list[EffectClaim | RateClaim]:
    """This turn's predictions that a test settles, with and without one."""
    return own_claims(state, EffectClaim, RateClaim)


def tests_of(state: State) -> list[EffectClaim]:
    """The tests run in this turn."""
    return [claim for claim in own_claims(state, EffectClaim) if claim.p is not None]


def every_test(state: State) -> list[TestedClaim]:
    """The tests run on this text in any turn, rates among them."""
    return [claim for claim in every_claim(state, TestedClaim) if claim.p is not None]


def removals_of(state: State) -> list[EffectClaim]:
    """The tests of removing groups, of any turn."""
    tests = [claim for claim in every_claim(state, EffectClaim) if claim.p is not None]
    return [claim for claim in tests if claim.groups and claim.removes]


def prediction_of(state: State) -> PredictionClaim:
    """The claim on what the model says."""
    return every_claim(state, PredictionClaim)[0]


def graph_claim(state: State) -> GraphClaim | None:
    """The claim on the pruned graph."""
    return next(iter(every_claim(state, GraphClaim)), None)


def path_claim(state: State) -> PathClaim | None:
    """The claim on groups and their path."""
    return next(iter(every_claim(state, PathClaim)), None)
