"""The actions, each a node of the loop: runs on the tracer, signs its result, enters it in the ledger.

An action takes what was chosen, the state and the workspace it works at (`ActionContext`), and gives back
only what changed in the state. What it found goes into the log, in one line.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from agent.answers import (
    add_word_claims,
    draw_circuit,
    draw_untraced,
    lens_drawn,
)
from agent.core import (
    FORESEEN,
    Event,
    QuestionError,
    State,
    StepProgress,
    Stopped,
    Supernode,
    actions,
    claims_of,
    enter_claims,
    find_terms,
    join_words,
    percent,
    quote_token,
    round_reported,
)
from agent.evidence import (
    choose_label,
    find_strongest_path,
    group_features,
    new_claim,
    read_probabilities,
    settle_case,
    split_groups,
    to_where_it_falls,
)
from agent.experiments import (
    Update,
    add_explained_share,
    add_head_claims,
    compare_with_text,
    find_drawn_heads,
    first_words_from,
    list_group_numbers,
    read_concepts,
    register_hypotheses,
    register_transfer,
    require_case,
    run_test,
    search_joint_set,
    search_minimal_edits,
    summarise_search,
    test_concepts,
)
from agent.planners import (
    TEXT_ONLY,
    add_guesses,
    find_joint_candidates,
    min_joint_change,
    select_incoherent_groups,
)
from agent.questions import PartOfText
from agent.session.brain_words import SentenceRewriter, write_answer
from agent.workspace import Workspace
from tracer import TracedStudy, TracerError, coherence_of, listening, split_group


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action works with: the workspace, an ear for its progress, and a way to be stopped."""

    workspace: Workspace
    emit: Callable[[Event], None]
    cancel: threading.Event
    rewriter: SentenceRewriter | None = None

    def tell(self, notes: Iterable[str]) -> None:
        """Show what the planner has to say of itself: refusals and what it has spent."""
        for note in notes:
            self.emit(StepProgress("brain", 1.0, note))

    def check(self) -> None:
        """Raise Stopped when the question was cancelled."""
        if self.cancel.is_set():
            raise Stopped

    def progress(self, step: str) -> Callable[[float], None]:
        """What a long action tells how far it is, from 0 to 1."""

        def tell(done: float) -> None:
            self.check()
            self.emit(StepProgress(step, min(done, 0.99)))

        return tell


def perform_action(action: actions.Action, state: State, context: ActionContext) -> Update:
    """Do it; raises QuestionError when the question cannot be worked with, Stopped when cancelled."""
    context.check()
    context.emit(StepProgress(action.kind, 0.0))
    case = state.get("case")
    if case and (window := case.get("window")):  # also where a conversation is gone on with
        context.workspace.know_window(case["text"], window[0])
    try:
        with listening(context.check):
            update = ACTIONS[action.kind](action, state, context)
    except TracerError as exc:
        raise QuestionError(str(exc)) from exc
    context.emit(StepProgress(action.kind, 1.0, update.get("found_note", "")))
    return update


def _predict(_action: actions.Predict, state: State, context: ActionContext) -> Update:
    _look_at_part(state["question"], context)
    question, note, shares = to_where_it_falls(context.workspace, state["question"])
    study = context.workspace.study(question["text"])
    case = settle_case(study, question, note, context.workspace.words)
    if not question.get("said") and (further := first_words_from(study, case["answer_id"])):
        case["goes_on"] = further
    top = [f"{quote_token(g['token'])} {percent(g['p'])}" for g in case["predictions"][:3]]
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        kind="prediction",
        text=f"The most probable next tokens are {join_words(top)}.",
        verdict="observed",
        numbers=[
            *(guess["p"] for guess in case["predictions"]),
            *read_probabilities(study, case),
            case["value"],
            *shares,  # of the tokens before, which the note on them states
        ],
    )
    return {
        "question": question,
        "case": case,
        "claims": enter_claims(state, claim),
        "found_note": f"it says {top[0]}",
    }


def _look_at_part(question: dict[str, Any], context: ActionContext) -> None:
    """Settle which part of a text is looked at, and tell what a long one will take, before it is begun."""
    workspace, text = context.workspace, question["text"]
    if part := question.get("part"):
        workspace.look_at_part(text, PartOfText(**part))
    if told := workspace.foresee(text):
        context.emit(StepProgress(FORESEEN, 1.0, f"{told} Stop ends it, and “go on” goes on from there."))


def _read_concepts(_action: actions.ReadConcepts, state: State, context: ActionContext) -> Update:
    return read_concepts(context.workspace, require_case(state), state)


def _test_concepts(action: actions.TestConcepts, state: State, context: ActionContext) -> Update:
    return test_concepts(
        context.workspace, action, require_case(state), state, context.progress("test_concepts")
    )


def _trace(action: actions.Trace, state: State, context: ActionContext) -> Update:
    traced = _load_trace(context, state, action.nodes, context.progress("trace"))
    scores = traced.scores
    graph = {
        "traced": action.nodes,
        "basis": traced.graph.basis,
        "more": traced.graph.features >= action.nodes,  # a larger graph would hold more
        "layers_missing": traced.study.basis.layers_missing,
        "completeness": scores.completeness,
        "replacement": scores.replacement,
        "completeness_strict": scores.completeness_strict,
        "replacement_strict": scores.replacement_strict,
        "unexplored": scores.unexplored,
        "bos": scores.bos,
        "residual": traced.graph.residual(),
    }
    if action.nodes < (usual := context.workspace.settings.nodes):
        graph["usual"] = usual  # of a shorter text
    units = find_terms(traced.graph.basis).units
    note = f"{traced.graph.features} {units}, completeness {scores.completeness:.2f}"
    return {"graph": graph, "found_note": note}


def _prune(_action: actions.Prune, state: State, context: ActionContext) -> Update:
    traced = _load_trace(context, state)
    graph = {
        **(state.get("graph") or {}),
        "pruned": True,
        "nodes": traced.node_count,
        "edges": traced.edge_count,
        "kept_influence": traced.pruned.kept_influence,
    }
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        text=(
            f"The pruned graph has {graph['nodes']} nodes and {graph['edges']} edges and keeps "
            f"{percent(graph['kept_influence'])} of the influence."
        ),
        numbers=[v for v in graph.values() if not isinstance(v, bool | str)],
    )
    note = f"{graph['nodes']} nodes and {graph['edges']} edges are left"
    return {"graph": graph, "claims": enter_claims(state, claim), "found_note": note}


def _describe(_action: actions.Describe, state: State, context: ActionContext) -> Update:
    features, found, catalogue = [], _load_trace(context, state).features(), context.workspace.catalogue
    imported = context.workspace.find_descriptions([f.id for f in found])
    for f in found:
        known = imported.get(f.id) or (catalogue.known(f.layer, f.neuron, f.sign) if catalogue else None)
        told = {"source": known.source if known else "text", "score": known.score if known else None}
        label = choose_label(f._asdict(), known.label if known else None)
        features.append({**f._asdict(), "role": f.role.value, "label": label, **told})
    labelled = sum(f["source"] != "text" for f in features)
    graph = {**(state.get("graph") or {}), "described": True}
    note = f"{len(features)} features, {labelled} of them labelled before"
    return {"features": features, "graph": graph, "found_note": note}


def _group(_action: actions.Group, state: State, context: ActionContext) -> Update:
    case, traced = require_case(state), _load_trace(context, state)
    groups = group_features(
        state.get("features", []),
        case,
        traced.study.layers,
        lambda ids: traced.raised_together(ids, 6),
    )
    return _draw_groups(groups, traced, state, context)


def _split(_action: actions.Split, state: State, context: ActionContext) -> Update:
    case, traced = require_case(state), _load_trace(context, state)
    halves = {one["id"]: split_group(traced, one["members"]) for one in select_incoherent_groups(state)}
    groups = split_groups(
        state.get("groups") or [],
        halves,
        {f["id"]: f for f in state.get("features", [])},
        case,
        traced.study.layers,
        lambda ids: traced.raised_together(ids, 6),
    )
    state = {**state, "graph": {**(state.get("graph") or {}), "split": True}}
    state["claims"] = [c for c in state.get("claims", []) if c["kind"] != "path"]
    update = _draw_groups(groups, traced, state, context)
    note = f"{join_words(list(halves))} split: {update['found_note']}"
    return {**update, "graph": state["graph"], "found_note": note}


def _draw_groups(
    groups: list[Supernode], traced: TracedStudy, state: State, context: ActionContext
) -> Update:
    """The groups with what flows between them, how coherent they are, their claim and their drawing."""
    case = require_case(state)
    between, from_token, direct = traced.flows([g["members"] for g in groups])
    no_words = {*case.get("template", ()), *([0] if case.get("sink", case["bos"]) else [])}
    from_token = [[0.0 if i in no_words else share for i, share in enumerate(row)] for row in from_token]
    flows: dict[str, Any] = {"between": between, "from_token": from_token, "direct": direct}
    flows["path"] = find_strongest_path(flows, groups)
    flows["heads"] = find_drawn_heads(flows, groups, traced.heads)
    if traced.graph.basis == "neurons":
        flows["coherence"] = {g["id"]: round_reported(coherence_of(traced, g["members"])) for g in groups}
    grouped = sum(g["share"] for g in groups)
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        kind="path",
        text=f"The strongest path is {' → '.join(flows['path']) or 'not found'}.",
        numbers=[grouped, len(groups), *(n for g in groups for n in list_group_numbers(g))],
        members=[],
    )
    update: Update = {
        "groups": groups,
        "flows": flows,
        "claims": enter_claims(state, claim),
    }
    before = state.get("drawing") or {}
    lens = before.get("lens") or lens_drawn(context.workspace, case["text"], claims_of(state))
    update["drawing"] = draw_circuit({**state, **update}, traced, lens)  # type: ignore[typeddict-item]
    update["found_note"] = f"{len(groups)} groups hold {percent(grouped)} of the effect"
    return update


def _hypothesise(action: actions.Hypothesise, state: State, context: ActionContext) -> Update:
    return register_hypotheses(context.workspace, action, state)


def _test(action: actions.Test, state: State, context: ActionContext) -> Update:
    return run_test(context.workspace, action, state, context.progress("test"))


def _combine(_action: actions.Combine, state: State, context: ActionContext) -> Update:
    case = require_case(state)
    contrast = context.workspace.contrast(case["text"], case["answer_id"], case["foil_id"])
    claims = search_joint_set(
        contrast, find_joint_candidates(state), state, min_joint_change(state), context.progress("combine")
    )
    return {"claims": claims, "found_note": claims[-1]["text"]}


def _flip(_action: actions.Flip, state: State, context: ActionContext) -> Update:
    claims = search_minimal_edits(context.workspace, require_case(state), state, context.progress("flip"))
    return {"claims": claims, "found_note": summarise_search(claims[len(state.get("claims", [])) :])}


def _generalise(action: actions.Generalise, state: State, context: ActionContext) -> Update:
    progress = context.progress("generalise")
    claims = register_transfer(context.workspace, action, require_case(state), state, progress)
    return {"claims": claims, "found_note": f"{len(claims[-1]['texts'])} texts, predicted"}


def _compare(_action: actions.Compare, state: State, context: ActionContext) -> Update:
    claims = compare_with_text(context.workspace, require_case(state), state)
    return {"claims": claims, "found_note": claims[-1]["text"]}


def _search(action: actions.Search, _state: State, context: ActionContext) -> Update:
    found = context.workspace.search(action.query, 8)
    return {"found": found, "found_note": f"{len(found)} features"}


def _answer(action: actions.Answer, state: State, context: ActionContext) -> Update:
    claims = list(state.get("claims", []))
    if action.style == "path":
        claims += add_head_claims(state, lambda: _load_trace(context, state).heads)
        state = {**state, "claims": claims}
    on_words = action.style in ("words", "why")
    if found := add_word_claims(state) if on_words else add_guesses(action.style, state):
        claims += found
        state = {**state, "claims": claims}
    if action.style == "why":
        claims += add_explained_share(context.workspace, state)
        state = {**state, "claims": claims}
    written, notes = write_answer(action.style, state, context.workspace.subject.name, context.rewriter)
    context.tell(notes)
    update = {"reply": written, "finished": True, "notes": notes, "claims": claims}
    if action.style == TEXT_ONLY:
        return {"graph": {}, "groups": [], "drawing": draw_untraced(require_case(state)), **update}
    return update


def _load_trace(
    context: ActionContext,
    state: State,
    nodes: int | None = None,
    progress: Callable[[float], None] = lambda _d: None,
) -> TracedStudy:
    case = require_case(state)
    nodes = nodes or (state.get("graph") or {})["traced"]
    return context.workspace.traced(case["text"], case["answer_id"], case["foil_id"], nodes, progress)


ACTIONS: Mapping[str, Callable[[Any, State, ActionContext], Update]] = MappingProxyType(
    {
        "predict": _predict,
        "read_concepts": _read_concepts,
        "test_concepts": _test_concepts,
        "trace": _trace,
        "prune": _prune,
        "describe": _describe,
        "group": _group,
        "split": _split,
        "hypothesise": _hypothesise,
        "test": _test,
        "combine": _combine,
        "flip": _flip,
        "generalise": _generalise,
        "compare": _compare,
        "search": _search,
        "answer": _answer,
    }
)
