"""Which actions make sense now, whoever proposes them: the guard of a planner that may be wrong or lie."""

import math
from collections.abc import Callable
from typing import Any

from agent.core import (
    Action,
    Answer,
    BaseClaim,
    ComparisonClaim,
    EffectClaim,
    Generalise,
    Hypothesise,
    JointClaim,
    Predict,
    RateClaim,
    Search,
    SearchClaim,
    State,
    Test,
    Trace,
    groups_of,
    own_claims,
    predictions_of,
    split_group_ids,
    terms_of,
)
from agent.experiments import find_entity_swap, list_variants
from agent.planners.concept_steps import concepts_missing, untested_concepts
from agent.planners.hypothesis_choice import MAX_TESTS, find_joint_candidates
from agent.planners.preparation import FITS, is_pruned
from agent.planners.question_scope import is_already_said, named_in
from agent.planners.question_styles import (
    EXPLAIN_INTENTS,
    GRAPH_STYLES,
    GROUP_INTENTS,
    STYLES,
    WANTED_TOKEN_INTENTS,
)
from agent.planners.thresholds import find_untestable_reason, rows_of, select_incoherent_groups
from agent.questions import Intent

UNTRACED_STYLES = ("help", "unknown", "no-group", "method")  # answers that claim nothing


def find_objection(action: Action, state: State, nodes: int) -> str:
    """Why this action may not be run now, in a sentence; empty when it may."""
    if isinstance(action, Trace):
        return _trace(action, state, nodes)
    if isinstance(action, Hypothesise):
        return _hypothesise(action, state)
    if isinstance(action, Test):
        return _test(action, state)
    if isinstance(action, Answer):
        return _answer(action, state)
    if isinstance(action, Generalise):
        return _generalise(action, state)
    if isinstance(action, Search):
        return "the library has been asked already" if state.get("found") is not None else ""
    if isinstance(action, Predict) and not state["question"]["text"]:
        return "there is no text to predict on"
    return "" if may(action.kind, state) else f"{action.kind} is not what comes next, or was done already"


def may(kind: str, state: State) -> bool:
    """Whether an action without arguments makes sense now: the table that rules and guard share."""
    return _NEXT[kind](state)


def list_possible_actions(state: State, nodes: int) -> list[str]:
    """The kinds of action that may be chosen now."""
    traced = (state.get("graph") or {}).get("traced", 0)
    kinds = [kind for kind, fits in _NEXT.items() if fits(state)]
    if first := [kind for kind in kinds if kind in BEFORE_GRAPH]:
        return first
    if state.get("case") and not is_pruned(state) and traced < terms_of(state).larger * rows_of(state, nodes):
        kinds.append("trace")
    if state.get("groups") and len(predictions_of(state)) < MAX_TESTS and not _no_story(state):
        kinds.append("hypothesise")
    first = [g["id"] for g in groups_of(state)][:1]
    sorts: tuple[Any, ...] = ("paraphrases", "entities")
    if any(not _generalise(Generalise(group=g, over=over), state) for g in first for over in sorts):
        kinds.append("generalise")
    if any(claim.p is None for claim in predictions_of(state)):
        kinds.append("test")
    elif any(not find_objection(Answer(style=style), state, nodes) for style in list_styles(state)):
        kinds.append("answer")
    return kinds


def list_styles(state: State) -> tuple[Any, ...]:
    """The answers that fit the question."""
    intent = Intent(state["question"]["intent"])
    if intent in STYLES and intent not in GROUP_INTENTS:
        return (STYLES[intent],)
    if intent in GROUP_INTENTS:
        style = "node" if intent is Intent.NODE else "intervene"
        return (style,) if predictions_of(state) or named_in(state) else (style, "no-group")
    if intent is Intent.SEARCH:
        return ("search",)
    if intent is Intent.METHOD:
        return ("method",)
    return ("help", "unknown", *GRAPH_STYLES.values(), "intervene")


BEFORE_GRAPH = ("read_concepts", "test_concepts")  # where one of them may run, nothing else is next
_NEXT: dict[str, Callable[[State], bool]] = {  # an action without arguments -> whether it makes sense now
    **{kind: fits for kind, fits in FITS.items() if kind != "trace"},  # which has a size, and may be repeated
    "read_concepts": lambda state: state.get("case") is not None and bool(concepts_missing(state)),
    "test_concepts": lambda state: bool(untested_concepts(state)),
    "split": lambda state: (
        bool(select_incoherent_groups(state))
        and not (state.get("graph") or {}).get("split")
        and not predictions_of(state)
    ),
    "flip": lambda state: (
        _asks(state, WANTED_TOKEN_INTENTS)
        and state.get("groups") is not None
        and not _no_story(state)
        and not _claimed(state, SearchClaim)
        and not is_already_said(state)
    ),
    "combine": lambda state: (
        _asks(state, EXPLAIN_INTENTS)
        and not _claimed(state, JointClaim)
        and len(predictions_of(state)) < MAX_TESTS
        and len(find_joint_candidates(state)) > 1
    ),
    "compare": lambda state: (
        _asks(state, {Intent.COMPARE})
        and bool(state["question"]["other"])
        and state.get("groups") is not None
        and not _claimed(state, ComparisonClaim)
    ),
}


def _asks(state: State, intents: set[Intent]) -> bool:
    return Intent(state["question"]["intent"]) in intents


def _claimed(state: State, kind: type[BaseClaim]) -> bool:
    """Whether there is a claim of this kind in this turn."""
    return bool(own_claims(state, kind))


def _generalise(action: Generalise, state: State) -> str:
    """Why a group may not be carried over now."""
    case, groups = state.get("case"), groups_of(state)
    if not _asks(state, {Intent.HOLDS}):
        return "the question is not about other texts"
    if case is None or not {g["id"] for g in groups}.issuperset(split_group_ids(action.group)):
        there = ", ".join(g["id"] for g in groups) or "none yet"
        return f"there is no group {action.group[:40]!r}; there are {there}"
    if any(claim.over == action.over for claim in own_claims(state, RateClaim)):
        return f"{action.over} are registered already"
    if not list_variants(action.over, case["text"], state["question"]["other"]):
        return f"no rule makes {action.over} of this text"
    return ""


def _trace(action: Trace, state: State, nodes: int) -> str:
    traced = (state.get("graph") or {}).get("traced", 0)
    if state.get("case") is None:
        return "trace needs predict first"
    if any(may(kind, state) for kind in BEFORE_GRAPH):
        return "the concepts are read and tested before a graph is made"
    if is_pruned(state):
        return "the graph is traced and pruned already"
    nodes = rows_of(state, nodes)
    most = terms_of(state).larger * nodes
    if not nodes <= action.nodes <= most:
        return f"trace takes {nodes} to {most} nodes, not {action.nodes}"
    return f"a graph of {traced} nodes is there already" if action.nodes <= traced else ""


def _hypothesise(action: Hypothesise, state: State) -> str:
    ids = [group["id"] for group in groups_of(state)]
    nodes = (state.get("drawing") or {}).get("nodes", [])
    known = {*ids, *(node["id"] for node in nodes if node["kind"] == "feature")}
    if not ids:
        return "hypothesise needs groups, and there are none yet"
    if _no_story(state):
        return "errors hold most of this graph's influence: nothing of it is tested"
    both = [part for name in action.groups if name not in known for part in split_group_ids(name)]  # S1+S2
    unknown = [] if set(both) <= set(ids) else [name for name in action.groups if name not in known]
    swaps = action.intervention == "swap" and _swap_fits(action, state)
    if unknown and not swaps and not _asked_for(action, state):
        return f"there is no group {', '.join(map(repr, unknown))[:100]}; there are {', '.join(ids)}"
    if len(set(action.groups)) < len(action.groups):
        return "a group is named twice"
    if wrong := _dose(action, state):
        return wrong
    done = predictions_of(state)
    if len(done) + len(action.groups) > MAX_TESTS:
        return f"at most {MAX_TESTS} predictions a question, and {len(done)} are registered"
    return _again(action, state) or _other_than_asked(action, state)


def _dose(action: Hypothesise, state: State) -> str:
    if action.intervention == "swap":
        fits = _swap_fits(action, state)
        return "" if fits else "a swap is for a question that asks for this one"
    if action.donor is not None:
        return "only a swap has a donor"
    if not math.isfinite(action.factor):
        return "the factor is not a number"
    if (action.intervention == "ablate") != (action.factor == 0):
        return "to ablate is factor 0; to steer is another factor"
    return "a factor of 1 changes nothing" if action.factor == 1 else ""


def _swap_fits(action: Hypothesise, state: State) -> bool:
    """Whether the question asks for this swap, or the table holds it for the wanted word."""
    case, intent = state.get("case"), Intent(state["question"]["intent"])
    if intent is Intent.MAKE and case is not None:
        return (action.groups[0], action.donor) == find_entity_swap(case["text"], case["foil"])
    if intent is Intent.COMPARE:
        known = [claim.other for claim in own_claims(state, ComparisonClaim)]
        ready = bool(known) and bool(known[0].differ) and not known[0].same_answer
        return ready and action.groups == ("text",) and action.donor == state["question"]["other"]
    return intent is Intent.SWAP and _asked_for(action, state)


def _again(action: Hypothesise, state: State) -> str:
    for claim in own_claims(state, EffectClaim):
        same = (claim.intervention.kind, claim.intervention.factor) == (action.intervention, action.factor)
        if same and (claim.name or claim.members[0]) in action.groups:
            return f"{claim.id} is that prediction already"
    return ""


def _asked_for(action: Hypothesise, state: State) -> bool:
    """Whether the user's own words name this group, and this donor."""
    return action.groups == (named_in(state),) and action.donor in (None, state["question"]["other"])


def _other_than_asked(action: Hypothesise, state: State) -> str:
    question, group = state["question"], named_in(state)
    if Intent(question["intent"]) not in GROUP_INTENTS or not group:
        return ""
    if action.groups != (group,):
        return f"the question is about {group!r}"
    factor = question["factor"]
    return f"the question is about factor {factor:g}" if factor not in (None, action.factor) else ""


def _test(action: Test, state: State) -> str:
    registered = {claim.id: claim for claim in predictions_of(state)}
    if action.claim not in registered:
        there = ", ".join(registered) or "none"
        return f"{action.claim[:40]!r} is no prediction of this question; registered are {there}"
    return f"{action.claim} has been tested" if registered[action.claim].p is not None else ""


def _answer(action: Answer, state: State) -> str:
    fitting = list_styles(state)
    if action.style not in fitting:
        return f"the answer {action.style!r} does not fit the question; {', '.join(map(repr, fitting))} does"
    if action.style in UNTRACED_STYLES:
        return ""
    if action.style == "search":
        return "" if state.get("found") is not None else "nothing has been looked up yet"
    if state.get("groups") is None:
        return "nothing has been traced and grouped yet"
    if untested := [claim.id for claim in predictions_of(state) if claim.p is None]:
        return f"{', '.join(untested)} is registered and has not been tested"
    tells = action.style in ("why", "intervene", "node") and not _no_story(state)
    if tells and state.get("groups") and not predictions_of(state):
        return "nothing has been tested yet"
    if left := [kind for kind in ("flip", "compare") if may(kind, state)]:
        return f"{left[0]} has not been done yet"
    if (
        action.style == "holds"
        and not _claimed(state, RateClaim)
        and "generalise" in list_possible_actions(state, 0)
    ):
        return "nothing has been carried over to another text yet"
    return ""


def _no_story(state: State) -> bool:
    """Whether a why would be told from a graph that explains too little."""
    return _asks(state, EXPLAIN_INTENTS | {Intent.MAKE}) and bool(find_untestable_reason(state))
