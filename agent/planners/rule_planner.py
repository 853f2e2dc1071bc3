"""The offline planner: fixed rules from what is known to what to do next. Runs nothing, states no number."""

from typing import Any

from agent.core import (
    Action,
    Answer,
    Compare,
    ComparisonClaim,
    Decision,
    EffectClaim,
    Flip,
    Generalise,
    Hypothesise,
    RateClaim,
    Search,
    Split,
    State,
    Swap,
    TestedClaim,
    Trace,
    every_claim,
    groups_of,
    own_claims,
    predictions_of,
)
from agent.experiments import find_entity_swap
from agent.planners.concept_steps import next_for_concepts
from agent.planners.hypothesis_choice import (
    MAX_TESTS,
    choose_main_hypotheses,
    choose_next_hypothesis,
    choose_next_test,
    choose_why_step,
    list_own_effects,
)
from agent.planners.preconditions import find_objection, may
from agent.planners.preparation import prepare
from agent.planners.question_scope import choose_carrier, choose_transfer_kinds, is_already_said, named_in
from agent.planners.question_styles import (
    EXPLAIN_INTENTS,
    GRAPH_STYLES,
    GROUP_INTENTS,
    STYLES,
    WANTED_TOKEN_INTENTS,
)
from agent.planners.said_back import name_layers, select_untested, tested_groups
from agent.planners.thresholds import (
    FIRST,
    Budget,
    find_overspending,
    find_retrace_reason,
    find_untestable_reason,
    select_incoherent_groups,
)
from agent.questions import Intent

PREPARED = {  # why each step is taken
    "predict": "first see what the model really says",
    "trace": "connect the features behind {ends}",
    "prune": "keep what carries the influence",
    "describe": "label the features that are left",
    "group": "put features that act alike together",
}


class RulePlanner:
    """Walks from the question to the answer, and leaves the straight line where the numbers say so."""

    def __init__(self, nodes: int, budget: Budget = Budget(), *, thorough: bool = False) -> None:  # noqa: B008
        self._nodes, self._budget, self._thorough = nodes, budget, thorough

    @property
    def name(self) -> str:
        """How reports call it."""
        return "rules"

    def decide(self, state: State) -> Decision:
        """The next action for this question."""
        intent = Intent(state["question"]["intent"])
        if intent is Intent.HELP:
            return _answer("help", "the question asks what can be asked")
        if intent is Intent.METHOD:
            return _answer("method", "the question is about the method: the documents say it")
        if intent is Intent.UNKNOWN:
            return _answer("unknown", "no rule understands the question")
        if intent is Intent.SEARCH:
            return self._search(state)
        if state.get("case") is None and not state["question"]["text"]:
            return _answer("no-text", "there is no text to explain yet")
        if spent := find_overspending(state, self._budget):
            return _answer(STYLES[intent] if state.get("groups") is not None else "partial", spent)
        return self._explain(state) or self._next_after_explanation(intent, state)

    def _search(self, state: State) -> Decision:
        if "found" in state and state["found"] is not None:
            return _answer("search", "the library has answered")
        query = state["question"]["other"] or state["question"]["raw"]
        return Decision(action=Search(query=query[:1000]), why="look features up by meaning")

    def _explain(self, state: State) -> Decision | None:
        """What is still missing before any question about this text can be answered."""
        step, case, graph = prepare(state, self._nodes), state.get("case"), state.get("graph") or {}
        if step is not None and step.kind == "prune" and (why := find_retrace_reason(state, self._nodes)):
            return Decision(action=Trace(nodes=2 * graph["traced"]), why=why)
        if case is not None and (about := next_for_concepts(state)) is not None:
            return about
        if step is not None:
            ends = f"{case['answer']!r} against {case['foil']!r}" if case else ""
            return Decision(action=step, why=PREPARED[step.kind].format(ends=ends))
        if may("split", state):
            known = (state.get("flows") or {})["coherence"]
            which = " and ".join(
                f"{g['id']} (coherence {known[g['id']]:.2f})" for g in select_incoherent_groups(state)
            )
            why = f"the members of {which} act on different things: group them otherwise"
            return Decision(action=Split(), why=why)
        return None

    def _next_after_explanation(self, intent: Intent, state: State) -> Decision:
        if intent in WANTED_TOKEN_INTENTS:
            return self._look_for_the_wanted(intent, state)
        if intent in EXPLAIN_INTENTS:
            return self._test_groups(state)
        if intent is Intent.HOLDS:
            return self._generalise(state)
        if intent is Intent.COMPARE:
            return self._compare(state)
        if intent in GROUP_INTENTS:
            return self._test_one(intent, state)
        if intent is Intent.STEER:
            return self._test_wanted(state)
        return _answer(GRAPH_STYLES[intent], "the graph and the ledger hold the answer")

    def _test_groups(self, state: State) -> Decision:
        if why := find_untestable_reason(state):
            return _answer("why", f"no tests: {why}")
        if not groups_of(state):
            return _answer("why", "no tests: no features act alike, so there is nothing to test")
        return choose_why_step(state, thorough=self._thorough)

    def _look_for_the_wanted(self, intent: Intent, state: State) -> Decision:
        """A mistake: groups of both sides, then the smallest repair. Make: that, then a swap."""
        style, case = STYLES[intent], state["case"]
        assert case is not None
        groups, effects = groups_of(state), list_own_effects(state)
        if is_already_said(state):
            if intent is Intent.MISTAKE:
                return self._test_groups(state)  # no mistake: why it says that is still an answer
            return _answer(style, "it says what was asked for: nothing is to be changed")
        if why := find_untestable_reason(state):
            return _answer(style, why)
        if (test := choose_next_test(effects)) is not None:
            return test
        if intent is Intent.MISTAKE and groups and not effects:
            return choose_main_hypotheses(state)
        looks = may("flip", state)
        early = intent is Intent.MISTAKE and looks and len(effects) < FIRST
        if early and (following := choose_next_hypothesis(state)) is not None:
            return following
        if looks:
            why = f"look for the fewest features whose change makes it say {case['foil']!r}"
            return Decision(action=Flip(), why=why)
        pair = find_entity_swap(case["text"], case["foil"])
        swapped = any(isinstance(c.intervention, Swap) for c in effects)
        if intent is Intent.MAKE and pair and not swapped:
            how = Hypothesise(groups=(pair[0],), intervention="swap", donor=pair[1], factor=1.0)
            return Decision(action=how, why=f"{case['foil']!r} goes with {pair[1]}: swap {pair[0]} for it")
        return _answer(style, "what was found has been tested")

    def _generalise(self, state: State) -> Decision:
        """The group on its own text, then on paraphrases, then on other entities."""
        groups, case = groups_of(state), state["case"]
        assert case is not None
        if not groups:
            return _answer("holds", "no features act alike: there is nothing to carry over")
        if (test := choose_next_test(predictions_of(state))) is not None:
            return test
        name = next((c.name for c in own_claims(state, TestedClaim) if c.name), None) or choose_carrier(state)
        if name not in {c.name for c in every_claim(state, EffectClaim)}:
            why = f"first see what {name} does on its own text"
            return Decision(action=Hypothesise(groups=(name,)), why=why)
        for over in choose_transfer_kinds(state["question"]):
            action = Generalise(group=str(name), over=over)
            if not find_objection(action, state, self._nodes):
                return Decision(action=action, why=f"predict what removing {name} does on {over}")
        why = (
            "the texts have been tested"
            if own_claims(state, RateClaim)
            else "no rule makes another text of this one"
        )
        return _answer("holds", why)

    def _compare(self, state: State) -> Decision:
        if not state["question"]["other"]:
            return _answer("no-text", "there is no other text to compare with")
        if (test := choose_next_test(predictions_of(state))) is not None:
            return test
        if may("compare", state):
            return Decision(action=Compare(), why="trace the other text and match the groups")
        other = own_claims(state, ComparisonClaim)[0].other
        if other.same_answer or not other.differ or predictions_of(state):
            why = "both texts say the same" if other.same_answer else "the texts have been compared"
            return _answer("compare", why)
        how = Hypothesise(groups=("text",), intervention="swap", factor=1.0, donor=state["question"]["other"])
        return Decision(action=how, why="give the differing words what they hold in the other text")

    def _test_wanted(self, state: State) -> Decision:
        """What the user wants tested too: the groups that no test was about, or those from a layer on."""
        if effects := list_own_effects(state):
            return choose_next_test(effects) or _answer("intervene", "what was wanted has been tested")
        least, most = state["question"].get("layer"), state["question"].get("up_to")
        left = select_untested(groups_of(state), tested_groups(state), least, most)[:MAX_TESTS]
        if not left:
            return _answer("sure", "every group has been tested")
        names = tuple(group["id"] for group in left)
        where = name_layers(least, most)
        return Decision(action=Hypothesise(groups=names), why=f"asked for: test {', '.join(names)}{where}")

    def _test_one(self, intent: Intent, state: State) -> Decision:
        if effects := list_own_effects(state):
            style: Any = "node" if intent is Intent.NODE else "intervene"
            return choose_next_test(effects) or _answer(style, "the intervention has been tested")
        group = named_in(state)
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
            factor=1.0 if how == "swap" else factor or 0.0,
            donor=state["question"]["other"] if how == "swap" else None,
        )
        return Decision(action=action, why=f"predict first what the {how} does")


def _answer(style: Any, why: str) -> Decision:
    return Decision(action=Answer(style=style), why=why)
