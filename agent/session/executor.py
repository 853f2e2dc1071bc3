"""The harness: runs the action a brain chose on the tracer, signs the result, and enters it in the ledger.

Returns only what changed in the state. What an action found goes into the log, in one line.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
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
from agent.evidence import Sentence, given_p, group, label_of, new_claim, settle_case, split, strongest_path
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


class Harness:
    """Runs actions for one turn of one conversation."""

    def __init__(
        self,
        desk: Desk,
        emit: Callable[[Event], None],
        cancel: threading.Event,
        worder: Worder | None = None,
    ) -> None:
        self._desk, self._emit, self._cancel, self._worder = desk, emit, cancel, worder

    def tell(self, notes: Iterable[str]) -> None:
        """Show what the brain has to say of itself: refusals and what it has spent."""
        for note in notes:
            self._emit(Working("brain", 1.0, note))

    def run(self, action: actions.Action, state: State) -> Update:
        """Do it; raises QuestionError when the question cannot be worked with, Stopped when cancelled."""
        if self._cancel.is_set():
            raise Stopped
        step = getattr(self, f"_{action.kind}")
        self._emit(Working(action.kind, 0.0))
        try:
            with listening(self._check):
                update: Update = step(action, state)
        except TracerError as exc:
            raise QuestionError(str(exc)) from exc
        self._emit(Working(action.kind, 1.0, update.get("found_note", "")))
        return update

    def _check(self) -> None:
        if self._cancel.is_set():
            raise Stopped

    def _progress(self, step: str) -> Callable[[float], None]:
        def tell(done: float) -> None:
            if self._cancel.is_set():
                raise Stopped
            self._emit(Working(step, min(done, 0.99)))

        return tell

    def _predict(self, _action: actions.Predict, state: State) -> Update:
        question = state["question"]
        study = self._desk.study(question["text"])
        case = settle_case(study, question)
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
            "case": case,
            "claims": entered(state, claim),
            "found_note": f"it says {top[0]}",
        }

    def _read_concepts(self, _action: actions.ReadConcepts, state: State) -> Update:
        return read_concepts(self._desk, case_in(state), state)

    def _test_concepts(self, action: actions.TestConcepts, state: State) -> Update:
        return test_concepts(self._desk, action, case_in(state), state, self._progress("test_concepts"))

    def _trace(self, action: actions.Trace, state: State) -> Update:
        traced = self._traced(state, action.nodes, self._progress("trace"))
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

    def _prune(self, _action: actions.Prune, state: State) -> Update:
        traced = self._traced(state)
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

    def _describe(self, _action: actions.Describe, state: State) -> Update:
        features, found, catalogue = [], self._traced(state).features(), self._desk.catalogue
        imported = self._desk.told([f.id for f in found])
        for f in found:
            known = imported.get(f.id) or (catalogue.known(f.layer, f.neuron, f.sign) if catalogue else None)
            told = {"source": known.source if known else "text", "score": known.score if known else None}
            label = label_of(f._asdict(), known.label if known else None)
            features.append({**f._asdict(), "role": f.role.value, "label": label, **told})
        labelled = sum(f["source"] != "text" for f in features)
        graph = {**(state.get("graph") or {}), "described": True}
        note = f"{len(features)} features, {labelled} of them labelled before"
        return {"features": features, "graph": graph, "found_note": note}

    def _group(self, _action: actions.Group, state: State) -> Update:
        case, traced = case_in(state), self._traced(state)
        groups = group(
            state.get("features", []),
            case,
            traced.study.layers,
            lambda ids: traced.raised_together(ids, 6),
        )
        return self._picture(groups, traced, state)

    def _split(self, _action: actions.Split, state: State) -> Update:
        case, traced = case_in(state), self._traced(state)
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
        update = self._picture(groups, traced, state)
        note = f"{listed(list(halves))} split: {update['found_note']}"
        return {**update, "graph": state["graph"], "found_note": note}

    def _picture(self, groups: list[Supernode], traced: TracedStudy, state: State) -> Update:
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

    def _hypothesise(self, action: actions.Hypothesise, state: State) -> Update:
        return register(self._desk, action, state)

    def _test(self, action: actions.Test, state: State) -> Update:
        return run_test(self._desk, action, state, self._progress("test"))

    def _combine(self, _action: actions.Combine, state: State) -> Update:
        case = case_in(state)
        contrast = self._desk.contrast(case["text"], case["answer_id"], case["foil_id"])
        claims = looked_for(contrast, candidates(state), state, worth(state), self._progress("combine"))
        return {"claims": claims, "found_note": claims[-1]["text"]}

    def _flip(self, _action: actions.Flip, state: State) -> Update:
        claims = wanted_claims(self._desk, case_in(state), state, self._progress("flip"))
        return {"claims": claims, "found_note": summary_of_search(claims[len(state.get("claims", [])) :])}

    def _generalise(self, action: actions.Generalise, state: State) -> Update:
        progress = self._progress("generalise")
        claims = register_transfer(self._desk, action, case_in(state), state, progress)
        return {"claims": claims, "found_note": f"{len(claims[-1]['texts'])} texts, predicted"}

    def _compare(self, _action: actions.Compare, state: State) -> Update:
        claims = comparison(self._desk, case_in(state), state)
        return {"claims": claims, "found_note": claims[-1]["text"]}

    def _search(self, action: actions.Search, _state: State) -> Update:
        found = self._desk.search(action.query, 8)
        return {"found": found, "found_note": f"{len(found)} features"}

    def _answer(self, action: actions.Answer, state: State) -> Update:
        worder = self._worder
        claims = list(state.get("claims", []))
        if action.style == "path":
            claims += asked_claims(state, lambda: self._traced(state).heads)
            state = {**state, "claims": claims}
        on_words = action.style in ("words", "why")
        if found := words_claims(state) if on_words else guesses(action.style, state):
            claims += found
            state = {**state, "claims": claims}
        written = compose(action.style, state, self._desk.subject.name, worder.word if worder else None)
        notes = (*worder.last_notes(), *written["refused"]) if worder else ()
        self.tell(notes)
        if worder and worder.gone:
            note = escaped(render("brain-gone", reason=worder.gone))
            written = {**written, "markdown": f"{written['markdown']}\n\n{note}"}
        update = {"reply": written, "finished": True, "notes": notes, "claims": claims}
        if action.style == TEXT_ONLY:
            return {"graph": {}, "groups": [], "drawing": no_drawing(case_in(state)), **update}
        return update

    def _traced(
        self,
        state: State,
        nodes: int | None = None,
        progress: Callable[[float], None] = lambda _d: None,
    ) -> TracedStudy:
        case = case_in(state)
        nodes = nodes or (state.get("graph") or {})["traced"]
        return self._desk.traced(case["text"], case["answer_id"], case["foil_id"], nodes, progress)
