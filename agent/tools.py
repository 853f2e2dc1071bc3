"""The harness: runs the action a brain chose on the tracer, signs the result, and enters it in the ledger.

Returns only what changed in the state. What an action found goes into the log, in one line.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from agent import actions
from agent.answer import compose
from agent.cases import given_p, label_of, settle_case
from agent.desk import Desk
from agent.errors import QuestionError
from agent.events import Event, Working
from agent.experiments import p_value, seed_of, settle, summary
from agent.heads import asked_claims, of_the_picture
from agent.ledger import Sentence, new_claim
from agent.picture import drawing
from agent.prompts import render
from agent.state import Case, Claim, State, Supernode
from agent.supernodes import group, strongest_path
from agent.swaps import Donor, donor_for, named_group
from agent.words import escaped, listed, percent, quoted, rounded
from tracer import Contrast, Intervention, TracedStudy, TracerError

SWAPPED = 100  # neurons taken over from another text: measured to suffice (ARCHITECTURE.md)

Update = dict[str, Any]


class Stopped(Exception):
    """The user asked to stop."""


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
            update: Update = step(action, state)
        except TracerError as exc:
            raise QuestionError(str(exc)) from exc
        self._emit(Working(action.kind, 1.0, update.get("found_note", "")))
        return update

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
            "claims": [*state.get("claims", []), claim],
            "found_note": f"it says {top[0]}",
        }

    def _trace(self, action: actions.Trace, state: State) -> Update:
        traced = self._traced(state, action.nodes, self._progress("trace"))
        scores = traced.scores
        graph = {
            "traced": action.nodes,
            "completeness": scores.completeness,
            "replacement": scores.replacement,
            "completeness_strict": scores.completeness_strict,
            "replacement_strict": scores.replacement_strict,
            "unexplored": scores.unexplored,
            "bos": scores.bos,
            "residual": traced.graph.residual(),
        }
        note = f"{action.nodes} neurons, completeness {scores.completeness:.2f}"
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
            numbers=[v for v in graph.values() if not isinstance(v, bool)],
        )
        note = f"{graph['nodes']} nodes and {graph['edges']} edges are left"
        return {"graph": graph, "claims": [*state.get("claims", []), claim], "found_note": note}

    def _describe(self, _action: actions.Describe, state: State) -> Update:
        features = [
            {**f._asdict(), "role": f.role.value, "label": label_of(f._asdict())}
            for f in self._traced(state).features()
        ]
        graph = {**(state.get("graph") or {}), "described": True}
        return {"features": features, "graph": graph, "found_note": f"{len(features)} features"}

    def _group(self, _action: actions.Group, state: State) -> Update:
        case, traced = _case(state), self._traced(state)
        groups = group(
            state.get("features", []),
            case,
            traced.study.layers,
            lambda ids: traced.raised_together(ids, 6),
        )
        between, from_token, direct = traced.flows([g["members"] for g in groups])
        if case["bos"]:
            from_token = [[0.0, *row[1:]] for row in from_token]  # BOS is no word of the text
        flows: dict[str, Any] = {"between": between, "from_token": from_token, "direct": direct}
        flows["path"] = strongest_path(flows, groups)
        flows["heads"] = of_the_picture(flows, groups, traced.heads)
        grouped = sum(g["share"] for g in groups)
        claim = new_claim(
            state.get("claims", []),
            state["turn"],
            kind="path",
            text=f"The strongest path is {' → '.join(flows['path']) or 'not found'}.",
            numbers=[grouped, len(groups), *(n for g in groups for n in _numbers(g))],
            members=[],
        )
        update: Update = {
            "groups": groups,
            "flows": flows,
            "claims": [*state.get("claims", []), claim],
        }
        update["drawing"] = drawing({**state, **update}, traced)  # type: ignore[typeddict-item]
        update["found_note"] = f"{len(groups)} groups hold {percent(grouped)} of the effect"
        return update

    def _hypothesise(self, action: actions.Hypothesise, state: State) -> Update:
        case, groups = _case(state), state.get("groups") or []
        contrast, how, donor = self._contrast(action, state)
        subjects = self._subjects(action, state, contrast, donor)
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
                    verdict="graph-only",
                    knock_on=[
                        {"supernode": g["id"], "predicted": rounded(moved), "measured": 0.0}
                        for g, moved in zip(groups, forecast.knock_on, strict=False)
                        if _is_later(g, subject)
                    ],
                    numbers=[*_numbers(subject), *(donor.numbers if donor else [])],
                )
            )
        return {"claims": claims, "found_note": f"{len(subjects)} predictions registered"}

    def _test(self, action: actions.Test, state: State) -> Update:
        claims = list(state.get("claims", []))
        index = next((i for i, c in enumerate(claims) if c["id"] == action.claim), None)
        if index is None or claims[index]["intervention"] is None:
            raise QuestionError(f"There is no registered prediction {action.claim}.")
        claim = claims[index]
        contrast, how = self._again(claim, state)
        groups = {g["id"]: g["members"] for g in state.get("groups") or []}
        outcome = contrast.test(
            claim["members"],
            how,
            controls=self._desk.settings.controls,
            seed=seed_of(self._desk.subject.name, contrast.study.text, *claim["members"]),
            readouts=[groups[k["supernode"]] for k in claim["knock_on"]],
            progress=self._progress("test"),
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
        claims[index] = tested
        own = [c for c in claims if c["turn"] == state["turn"]]
        settled = {c["id"]: c for c in settle(own)}
        claims = [settled.get(c["id"], c) for c in claims]
        note = f"{claim['id']}: predicted {claim['predicted']:+.2f}, measured {outcome.measured:+.2f}"
        return {"claims": claims, "found_note": note}

    def _search(self, action: actions.Search, _state: State) -> Update:
        found = self._desk.search(action.query, 8)
        return {"found": found, "found_note": f"{len(found)} features"}

    def _answer(self, action: actions.Answer, state: State) -> Update:
        worder = self._worder
        claims = list(state.get("claims", []))
        if action.style == "path":
            claims += asked_claims(state, lambda: self._traced(state).heads)
            state = {**state, "claims": claims}
        written = compose(action.style, state, self._desk.subject.name, worder.word if worder else None)
        notes = (*worder.last_notes(), *written["refused"]) if worder else ()
        self.tell(notes)
        if worder and worder.gone:
            note = escaped(render("brain-gone", reason=worder.gone))
            written = {**written, "markdown": f"{written['markdown']}\n\n{note}"}
        return {"reply": written, "finished": True, "notes": notes, "claims": claims}

    def _traced(
        self,
        state: State,
        nodes: int | None = None,
        progress: Callable[[float], None] = lambda _d: None,
    ) -> TracedStudy:
        case = _case(state)
        nodes = nodes or (state.get("graph") or {})["traced"]
        return self._desk.traced(case["text"], case["answer_id"], case["foil_id"], nodes, progress)

    def _contrast(
        self, action: actions.Hypothesise, state: State
    ) -> tuple[Contrast, Intervention, Donor | None]:
        """What the prediction is about; a swap is measured against what the other text says."""
        case = _case(state)
        if action.intervention != "swap":
            contrast = self._desk.contrast(case["text"], case["answer_id"], case["foil_id"])
            return contrast, Intervention(action.intervention, action.factor), None
        if not action.donor:
            raise QuestionError("Say what to put in its place, for example: swap Texas for Colorado.")
        donor = donor_for(self._desk, case, action.groups[0], action.donor, state.get("groups") or [])
        contrast = self._desk.contrast(case["text"], case["answer_id"], donor.foil_id)
        return contrast, self._swap(donor), donor

    def _swap(self, donor: Donor) -> Intervention:
        return Intervention("swap", 1.0, self._desk.study(donor.text), donor.shift)

    def _again(self, claim: Claim, state: State) -> tuple[Contrast, Intervention]:
        case, how = _case(state), claim["intervention"] or {}
        if how["kind"] != "swap":
            contrast = self._desk.contrast(case["text"], case["answer_id"], case["foil_id"])
            return contrast, Intervention(how["kind"], how["factor"])
        donor = Donor.read(how["donor"])
        contrast = self._desk.contrast(case["text"], case["answer_id"], donor.foil_id)
        return contrast, self._swap(donor)

    def _subjects(
        self, action: actions.Hypothesise, state: State, contrast: Contrast, donor: Donor | None
    ) -> list[Supernode]:
        """The groups an action names; a swap acts on the strongest neurons where the texts differ."""
        if donor is None:
            return [named_group(name, state) for name in action.groups]
        members = contrast.strongest_at(donor.positions, SWAPPED)
        whole = f"{len(members)} neurons at {listed([quoted(w) for w in donor.replaced])}"
        return [
            Supernode(
                id="neurons",
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


def _case(state: State) -> Case:
    case = state.get("case")
    if case is None:
        raise QuestionError("There is no text to explain yet. Give one, in quotes.")
    return case


def _numbers(group: Supernode) -> list[float]:
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


def _intervention(action: actions.Hypothesise, donor: Donor | None) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": action.intervention, "factor": action.factor}
    if donor is not None:
        out |= {"factor": 1.0, "donor": asdict(donor)}
    return out


def _registered(
    action: actions.Hypothesise, group: Supernode, case: Case, donor: Donor | None, predicted: float
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
