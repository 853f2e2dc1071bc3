"""Two planners to compare with: one reads the graph once, one reads only the text. Neither experiments.

They go through the same protocol and the same ledger, so they may claim no more than they have: what they say
is graph-only or label-only, and says so.
"""

from typing import Any

from agent.core import (
    Answer,
    Case,
    Decision,
    GuessClaim,
    PlainClaim,
    Predict,
    State,
    own_claims,
    plain_claim,
    quote_token,
    show_change,
    token_at,
)
from agent.evidence import Sentence, new_claim
from agent.planners.question_styles import EXPLAIN_INTENTS
from agent.planners.rule_planner import RulePlanner
from agent.questions import Intent

ONE_SHOT, TEXT_ONLY = "one-shot", "text-only"
TOP_FEATURES, TOP_WORDS = 5, 3
LONG = 4  # letters from which a word in small letters is worth naming
ASIDE = {Intent.HELP, Intent.UNKNOWN, Intent.SEARCH}  # questions that need no experiment


class OneShotPlanner:
    """Traces, and answers with the features of the largest influence and their labels."""

    def __init__(self, nodes: int) -> None:
        self._rules = RulePlanner(nodes)

    @property
    def name(self) -> str:
        """How reports call it."""
        return ONE_SHOT

    def decide(self, state: State) -> Decision:
        """As the rules do until there is a graph with labels; then it answers."""
        intent = Intent(state["question"]["intent"])
        if intent in ASIDE:
            return self._rules.decide(state)
        if intent not in EXPLAIN_INTENTS:
            return _not_here()
        if state.get("groups") is None:
            return self._rules.decide(state)
        return Decision(
            action=Answer(style="one-shot"), why="the strongest features are known; no test is run"
        )


class TextPlanner:
    """Predicts the next token, and guesses from the words of the text alone."""

    def __init__(self, nodes: int) -> None:
        self._rules = RulePlanner(nodes)

    @property
    def name(self) -> str:
        """How reports call it."""
        return TEXT_ONLY

    def decide(self, state: State) -> Decision:
        """One forward pass, then the answer."""
        intent = Intent(state["question"]["intent"])
        if intent in ASIDE or (state.get("case") is None and not state["question"]["text"]):
            return self._rules.decide(state)
        if intent not in EXPLAIN_INTENTS:
            return _not_here()
        if state.get("case") is None:
            return Decision(action=Predict(), why="first see what the model really says")
        return Decision(action=Answer(style="text-only"), why="the text and the predictions are all it uses")


def _not_here() -> Decision:
    return Decision(action=Answer(style="not-yet"), why="this brain runs no experiments")


def add_guesses(style: str, state: State) -> list[PlainClaim]:
    """What a baseline has to say, as new claims without a test."""
    make = {ONE_SHOT: _features, TEXT_ONLY: _words}.get(style)
    claims = list[GuessClaim]()
    for known in make(state) if make else ():
        claims.append(new_claim([*state.get("claims", []), *claims], state["turn"], GuessClaim, **known))
    return [plain_claim(claim) for claim in claims]


def _features(state: State) -> list[dict[str, Any]]:
    case = state.get("case")
    assert case is not None
    ranked = sorted(state.get("features", []), key=lambda f: (-f["influence"], f["id"]))
    return [
        {
            "text": f"{f['id']} {f['label']}; its total effect on {_lead(case)} is "
            f"{show_change(f['effect'])}.",
            "members": [f["id"]],
            "numbers": [f["effect"], f["influence"]],
            "verdict": "graph-only",
        }
        for f in ranked[:TOP_FEATURES]
    ]


def _words(state: State) -> list[dict[str, Any]]:
    case = state.get("case")
    assert case is not None
    return [
        {
            "text": f"{quote_token(case['tokens'][position])} is what "
            f"{quote_token(case['answer'])} goes with.",
            "numbers": [position],
            "verdict": "label-only",
        }
        for position in find_content_words(case)
    ]


def find_content_words(case: Case) -> list[int]:
    """Positions of the words a reader would name: capitals and digits first, then the longest."""
    ranked = []
    for position in range(len(case["tokens"])):
        word = token_at(case["tokens"], position).strip()
        if (position == 0 and case["bos"]) or not any(c.isalnum() for c in word):
            continue
        marked = word[0].isupper() or word[0].isdigit()
        ranked.append((not marked, -len(word), position, marked or len(word) >= LONG))
    best = [each for each in sorted(ranked) if each[3]] or sorted(ranked)
    return [position for _, _, position, _ in best[:TOP_WORDS]]


def write_guesses(state: State) -> list[Sentence]:
    """The guesses as sentences, and that nothing was tested."""
    claims = own_claims(state, GuessClaim)
    if not claims:
        return []
    source = "the graph" if claims[0].verdict == "graph-only" else "the words of the text"
    sentences = [Sentence(claim.text, (claim.id,)) for claim in claims]
    note = f"This was read from {source} alone: nothing was tested."
    return [*sentences, Sentence(note, tuple(claim.id for claim in claims))]


def _lead(case: Case) -> str:
    return f"logit({quote_token(case['answer'])}) − logit({quote_token(case['foil'])})"
