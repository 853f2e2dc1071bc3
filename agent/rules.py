"""The offline brain: fixed rules from what is known to what to do next. Runs nothing, states no number."""

from itertools import combinations
from typing import Any

from agent.actions import (
    Action,
    Answer,
    Decision,
    Describe,
    Group,
    Hypothesise,
    Predict,
    Prune,
    Search,
    Test,
    Trace,
)
from agent.bases import TOO_DARK, basis_of, unexplained
from agent.experiments import without_effect
from agent.questions import Intent
from agent.state import Claim, State
from agent.swaps import JOINT
from agent.tricks import HELD

TESTED = 5  # tests a turn: with 99 controls each, Holm over more could support none (p >= 0.01 each)

EXPLAIN = {Intent.WHY, Intent.WHY_NOT, Intent.TEXT, Intent.MISTAKE, Intent.USES}
FROM_GRAPH = {
    Intent.PATH: "path",
    Intent.WORDS: "words",
    Intent.SURE: "sure",
    Intent.EVIDENCE: "evidence",
}
NOT_YET = {Intent.MAKE, Intent.COMPARE, Intent.HOLDS}


class RuleBrain:
    """Walks from the question to the answer, and leaves the straight line where the numbers say so."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes

    @property
    def name(self) -> str:
        """How reports call it."""
        return "rules"

    def decide(self, state: State) -> Decision:
        """The next action for this question."""
        intent = Intent(state["question"]["intent"])
        if intent is Intent.HELP:
            return _answer("help", "the question asks what can be asked")
        if intent is Intent.UNKNOWN:
            return _answer("unknown", "no rule understands the question")
        if intent in NOT_YET:
            return _answer("not-yet", "understood, but nothing here can test it yet")
        if intent is Intent.SEARCH:
            return self._search(state)
        if state.get("case") is None and not state["question"]["text"]:
            return _answer("no-text", "there is no text to explain yet")
        return self._explain(state) or self._then(intent, state)

    def _search(self, state: State) -> Decision:
        if "found" in state and state["found"] is not None:
            return _answer("search", "the library has answered")
        query = state["question"]["other"] or state["question"]["raw"]
        return Decision(action=Search(query=query[:1000]), why="look features up by meaning")

    def _explain(self, state: State) -> Decision | None:
        """What is still missing before any question about this text can be answered."""
        case, graph = state.get("case"), state.get("graph")
        if case is None:
            return Decision(action=Predict(), why="first see what the model really says")
        if graph is None:
            why = f"connect the features behind {case['answer']!r} against {case['foil']!r}"
            return Decision(action=Trace(nodes=self._nodes), why=why)
        if not graph.get("pruned"):
            more = graph.get("more", True) and graph["traced"] < basis_of(state).larger * self._nodes
            if graph["unexplored"] > TOO_DARK and more:
                units = basis_of(state).units
                why = f"{graph['unexplored']:.0%} of the influence is unexplored: trace more {units}"
                return Decision(action=Trace(nodes=2 * graph["traced"]), why=why)
            return Decision(action=Prune(), why="keep what carries the influence")
        if not graph.get("described"):
            return Decision(action=Describe(), why="label the features that are left")
        if state.get("groups") is None:
            return Decision(action=Group(), why="put features that act alike together")
        return None

    def _then(self, intent: Intent, state: State) -> Decision:
        if intent in EXPLAIN:
            return self._test_groups(state)
        if intent in (Intent.INTERVENE, Intent.SWAP, Intent.NODE):
            return self._test_one(intent, state)
        return _answer(FROM_GRAPH[intent], "the graph and the ledger hold the answer")

    def _test_groups(self, state: State) -> Decision:
        groups, claims = state.get("groups") or [], _own(state)
        if unexplained(state.get("graph")):
            return _answer("why", "errors hold most of the influence: the graph explains too little")
        if not groups:
            return _answer("why", "no features act alike: there is nothing to test")
        effects = [c for c in claims if c["kind"] == "effect"]
        if not effects:
            strongest = tuple(g["id"] for g in groups[:TESTED])
            why = f"predict what removing each of the {len(strongest)} strongest groups does"
            return Decision(action=Hypothesise(groups=strongest), why=why)
        return (
            _stand_ins(effects)
            or _next_test(effects)
            or _answer("why", "every registered prediction has been tested")
        )

    def _test_one(self, intent: Intent, state: State) -> Decision:
        effects = [c for c in _own(state) if c["kind"] == "effect"]
        if effects:
            style: Any = "node" if intent is Intent.NODE else "intervene"
            return _next_test(effects) or _answer(style, "the intervention has been tested")
        group = state["question"]["group"] or (state["focus"] or {}).get("id")
        if not group:
            return _answer("no-group", "the question names no group of the picture")
        how: Any = {Intent.SWAP: "swap", Intent.NODE: "ablate"}.get(intent)
        factor = state["question"]["factor"]
        if how is None:
            factor = 0.0 if factor is None else factor
            how = "ablate" if factor == 0 else "steer"
        action: Action = Hypothesise(
            groups=(group,),
            intervention=how,
            factor=factor or 0.0,
            donor=state["question"]["other"] if how == "swap" else None,
        )
        return Decision(action=action, why=f"predict first what the {how} does")


def _own(state: State) -> list[Claim]:
    """The claims of this turn."""
    return [claim for claim in state.get("claims", []) if claim["turn"] == state["turn"]]


def _stand_ins(effects: list[Claim]) -> Decision | None:
    """Where groups that should matter do not, one by one: predict removing two at once, in the last tests.

    Paths that can replace each other look like that. Pairs take the tests that single groups leave, at least
    the last one, and end when one is found.
    """
    tested = [c for c in effects if c["p"] is not None]
    waiting = [c for c in effects if c["p"] is None]
    names = {c["supernode"] or "" for c in effects}
    found = any(JOINT in (c["supernode"] or "") and c["verdict"] in HELD for c in tested)
    if found or any(JOINT in (c["supernode"] or "") for c in waiting):
        return None
    if len(tested) >= TESTED or (waiting and len(tested) < TESTED - 1):
        return None
    still = [c for c in tested if c["supernode"] and JOINT not in c["supernode"] and without_effect(c)]
    pairs = [
        (a, b) for a, b in combinations(still, 2) if f"{a['supernode']}{JOINT}{b['supernode']}" not in names
    ]
    if not pairs:
        return None
    a, b = max(pairs, key=lambda pair: sum(abs(c["predicted"] or 0.0) for c in pair))
    why = f"neither {a['supernode']} nor {b['supernode']} alone has an effect: can one replace the other?"
    return Decision(action=Hypothesise(groups=(f"{a['supernode']}{JOINT}{b['supernode']}",)), why=why)


def _next_test(effects: list[Claim]) -> Decision | None:
    if sum(claim["p"] is not None for claim in effects) >= TESTED:
        return None
    for claim in sorted(effects, key=lambda c: JOINT not in (c["supernode"] or "")):
        if claim["p"] is None:
            return Decision(action=Test(claim=claim["id"]), why=f"test {claim['id']} against random groups")
    return None


def _answer(style: Any, why: str) -> Decision:
    return Decision(action=Answer(style=style), why=why)
