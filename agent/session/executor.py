"""The actions, each a node of the loop: runs on the tracer, signs its result, enters it in the ledger.

An action takes what was chosen, the state and the desk it works at (`Work`), and gives back only what changed
in the state. What it found goes into the log, in one line.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from agent.answers import compose, drawing, no_drawing, words_claims
from agent.core import (
    Event,
    QuestionError,
    State,
    Stopped,
    Supernode,
    Working,
    actions,
    entered,
    escaped,
    listed,
    percent,
    quoted,
    render,
    rounded,
    words_for,
)
from agent.evidence import (
    Sentence,
    given_p,
    group,
    label_of,
    new_claim,
    past_what_they_share,
    settle_case,
    split,
    strongest_path,
)
from agent.experiments import (
    Update,
    asked_claims,
    case_in,
    comparison,
    looked_for,
    numbers_of,
    of_the_picture,
    read_concepts,
    register,
    register_transfer,
    run_test,
    summary_of_search,
    test_concepts,
    wanted_claims,
)
from agent.planners import TEXT_ONLY, candidates, guesses, loose, worth
from agent.workspace import Desk
from tracer import TracedStudy, TracerError, coherence_of, listening, parted


class Worder(Protocol):
    """Who may propose words for an answer; nothing it says is shown unchecked."""

    @property
    def gone(self) -> str:
        """Why it no longer takes part; empty while it does."""

    def word(self, sentences: Sequence[Sentence]) -> str:
        """A proposal for the wording of these sentences; may be empty."""

    def last_notes(self) -> tuple[str, ...]:
        """What is to be logged since the last time."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an action works with: the desk, an ear for its progress, and a way to be stopped."""

    desk: Desk
    emit: Callable[[Event], None]
    cancel: threading.Event
    worder: Worder | None = None

    def tell(self, notes: Iterable[str]) -> None:
        """Show what the brain has to say of itself: refusals and what it has spent."""
        for note in notes:
            self.emit(Working("brain", 1.0, note))

    def check(self) -> None:
        """Raise Stopped when the question was cancelled."""
        if self.cancel.is_set():
            raise Stopped

    def progress(self, step: str) -> Callable[[float], None]:
        """What a long action tells how far it is, from 0 to 1."""

        def tell(done: float) -> None:
            self.check()
            self.emit(Working(step, min(done, 0.99)))

        return tell


def perform(action: actions.Action, state: State, work: Work) -> Update:
    """Do it; raises QuestionError when the question cannot be worked with, Stopped when cancelled."""
    work.check()
    work.emit(Working(action.kind, 0.0))
    try:
        with listening(work.check):
            update = ACTIONS[action.kind](action, state, work)
    except TracerError as exc:
        raise QuestionError(str(exc)) from exc
    work.emit(Working(action.kind, 1.0, update.get("found_note", "")))
    return update


def _predict(_action: actions.Predict, state: State, work: Work) -> Update:
    question, note = past_what_they_share(work.desk.study, state["question"])
    study = work.desk.study(question["text"])
    case = settle_case(study, question, note)
    top = [f"{quoted(g['token'])} {percent(g['p'])}" for g in case["predictions"][:3]]
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        kind="prediction",
        text=f"The most probable next tokens are {listed(top)}.",
        verdict="observed",
        numbers=[*(g["p"] for g in case["predictions"]), *given_p(study, case), case["value"]],
    )
    return {
        "question": question,
        "case": case,
        "claims": entered(state, claim),
        "found_note": f"it says {top[0]}",
    }


def _read_concepts(_action: actions.ReadConcepts, state: State, work: Work) -> Update:
    return read_concepts(work.desk, case_in(state), state)


def _test_concepts(action: actions.TestConcepts, state: State, work: Work) -> Update:
    return test_concepts(work.desk, action, case_in(state), state, work.progress("test_concepts"))


def _trace(action: actions.Trace, state: State, work: Work) -> Update:
    traced = _traced(work, state, action.nodes, work.progress("trace"))
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
    units = words_for(traced.graph.basis).units
    note = f"{traced.graph.features} {units}, completeness {scores.completeness:.2f}"
    return {"graph": graph, "found_note": note}


def _prune(_action: actions.Prune, state: State, work: Work) -> Update:
    traced = _traced(work, state)
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
    return {"graph": graph, "claims": entered(state, claim), "found_note": note}


def _describe(_action: actions.Describe, state: State, work: Work) -> Update:
    features, found, catalogue = [], _traced(work, state).features(), work.desk.catalogue
    imported = work.desk.told([f.id for f in found])
    for f in found:
        known = imported.get(f.id) or (catalogue.known(f.layer, f.neuron, f.sign) if catalogue else None)
        told = {"source": known.source if known else "text", "score": known.score if known else None}
        label = label_of(f._asdict(), known.label if known else None)
        features.append({**f._asdict(), "role": f.role.value, "label": label, **told})
    labelled = sum(f["source"] != "text" for f in features)
    graph = {**(state.get("graph") or {}), "described": True}
    note = f"{len(features)} features, {labelled} of them labelled before"
    return {"features": features, "graph": graph, "found_note": note}


def _group(_action: actions.Group, state: State, work: Work) -> Update:
    case, traced = case_in(state), _traced(work, state)
    groups = group(
        state.get("features", []),
        case,
        traced.study.layers,
        lambda ids: traced.raised_together(ids, 6),
    )
    return _picture(groups, traced, state)


def _split(_action: actions.Split, state: State, work: Work) -> Update:
    case, traced = case_in(state), _traced(work, state)
    halves = {one["id"]: parted(traced, one["members"]) for one in loose(state)}
    groups = split(
        state.get("groups") or [],
        halves,
        {f["id"]: f for f in state.get("features", [])},
        case,
        traced.study.layers,
        lambda ids: traced.raised_together(ids, 6),
    )
    state = {**state, "graph": {**(state.get("graph") or {}), "split": True}}
    state["claims"] = [c for c in state.get("claims", []) if c["kind"] != "path"]
    update = _picture(groups, traced, state)
    note = f"{listed(list(halves))} split: {update['found_note']}"
    return {**update, "graph": state["graph"], "found_note": note}


def _picture(groups: list[Supernode], traced: TracedStudy, state: State) -> Update:
    """The groups with what flows between them, how coherent they are, their claim and their drawing."""
    case = case_in(state)
    between, from_token, direct = traced.flows([g["members"] for g in groups])
    if case["bos"]:
        from_token = [[0.0, *row[1:]] for row in from_token]  # BOS is no word of the text
    flows: dict[str, Any] = {"between": between, "from_token": from_token, "direct": direct}
    flows["path"] = strongest_path(flows, groups)
    flows["heads"] = of_the_picture(flows, groups, traced.heads)
    if traced.graph.basis == "neurons":
        flows["coherence"] = {g["id"]: rounded(coherence_of(traced, g["members"])) for g in groups}
    grouped = sum(g["share"] for g in groups)
    claim = new_claim(
        state.get("claims", []),
        state["turn"],
        kind="path",
        text=f"The strongest path is {' → '.join(flows['path']) or 'not found'}.",
        numbers=[grouped, len(groups), *(n for g in groups for n in numbers_of(g))],
        members=[],
    )
    update: Update = {
        "groups": groups,
        "flows": flows,
        "claims": entered(state, claim),
    }
    update["drawing"] = drawing({**state, **update}, traced)  # type: ignore[typeddict-item]
    update["found_note"] = f"{len(groups)} groups hold {percent(grouped)} of the effect"
    return update


def _hypothesise(action: actions.Hypothesise, state: State, work: Work) -> Update:
    return register(work.desk, action, state)


def _test(action: actions.Test, state: State, work: Work) -> Update:
    return run_test(work.desk, action, state, work.progress("test"))


def _combine(_action: actions.Combine, state: State, work: Work) -> Update:
    case = case_in(state)
    contrast = work.desk.contrast(case["text"], case["answer_id"], case["foil_id"])
    claims = looked_for(contrast, candidates(state), state, worth(state), work.progress("combine"))
    return {"claims": claims, "found_note": claims[-1]["text"]}


def _flip(_action: actions.Flip, state: State, work: Work) -> Update:
    claims = wanted_claims(work.desk, case_in(state), state, work.progress("flip"))
    return {"claims": claims, "found_note": summary_of_search(claims[len(state.get("claims", [])) :])}


def _generalise(action: actions.Generalise, state: State, work: Work) -> Update:
    progress = work.progress("generalise")
    claims = register_transfer(work.desk, action, case_in(state), state, progress)
    return {"claims": claims, "found_note": f"{len(claims[-1]['texts'])} texts, predicted"}


def _compare(_action: actions.Compare, state: State, work: Work) -> Update:
    claims = comparison(work.desk, case_in(state), state)
    return {"claims": claims, "found_note": claims[-1]["text"]}


def _search(action: actions.Search, _state: State, work: Work) -> Update:
    found = work.desk.search(action.query, 8)
    return {"found": found, "found_note": f"{len(found)} features"}


def _answer(action: actions.Answer, state: State, work: Work) -> Update:
    worder = work.worder
    claims = list(state.get("claims", []))
    if action.style == "path":
        claims += asked_claims(state, lambda: _traced(work, state).heads)
        state = {**state, "claims": claims}
    on_words = action.style in ("words", "why")
    if found := words_claims(state) if on_words else guesses(action.style, state):
        claims += found
        state = {**state, "claims": claims}
    written = compose(action.style, state, work.desk.subject.name, worder.word if worder else None)
    notes = (*worder.last_notes(), *written["refused"]) if worder else ()
    work.tell(notes)
    if worder and worder.gone:
        note = escaped(render("brain-gone", reason=worder.gone))
        written = {**written, "markdown": f"{written['markdown']}\n\n{note}"}
    update = {"reply": written, "finished": True, "notes": notes, "claims": claims}
    if action.style == TEXT_ONLY:
        return {"graph": {}, "groups": [], "drawing": no_drawing(case_in(state)), **update}
    return update


def _traced(
    work: Work,
    state: State,
    nodes: int | None = None,
    progress: Callable[[float], None] = lambda _d: None,
) -> TracedStudy:
    case = case_in(state)
    nodes = nodes or (state.get("graph") or {})["traced"]
    return work.desk.traced(case["text"], case["answer_id"], case["foil_id"], nodes, progress)


ACTIONS: Mapping[str, Callable[[Any, State, Work], Update]] = MappingProxyType(
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
