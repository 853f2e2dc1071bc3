"""What one conversation remembers: plain JSON, so that it survives a restart. No behaviour."""

from typing import Any, NotRequired, TypedDict


class Message(TypedDict):
    """One line of the conversation."""

    role: str
    content: str
    cites: NotRequired[list[dict[str, Any]]]  # text, claims, about: see agent.answers.citations
    circuit: NotRequired[str]  # the drawing it speaks of


class Case(TypedDict):
    """The text being explained and what is asked of it."""

    text: str
    tokens: list[str]
    bos: bool
    predictions: list[dict[str, Any]]  # token, p
    asked: str | None
    answer: str
    answer_id: int
    foil: str
    foil_id: int
    foil_p: float
    premise: str  # "true" or "false"
    note: str
    value: float  # logit(answer) - logit(foil)


class Supernode(TypedDict):
    """A named group of features at positions."""

    id: str
    name: str
    kind: str  # input, say or middle
    sign: int  # +1: for the answer, -1: for the foil
    share: float  # of the pruned graph's summed |effect|
    effect: float
    position: int
    layers: list[int]
    members: list[str]
    raises: list[str]
    lowers: list[str]


class Claim(TypedDict):
    """A sentence with its evidence. Untested claims have no intervention and no numbers of a test."""

    id: str
    text: str
    kind: str  # prediction, graph, path, heads, effect, tried, lost, search, rate, comparison
    supernode: str | None
    intervention: dict[str, Any] | None
    members: list[str]
    predicted: float | None
    predicted_frozen: float | None
    predicted_exact: float | None
    predicted_curved: float | None
    measured: float | None
    measured_frozen: float | None
    controls: dict[str, Any] | None  # n, mean, sd, max_abs, values, matched
    doses: dict[str, float] | None
    p: float | None
    p_holm: float | None
    verdict: str
    knock_on: list[dict[str, Any]]
    says: list[dict[str, Any]] | None  # next tokens under the intervention
    rows: list[dict[str, Any]] | None  # what a claim sums up, one after the other: sets tried, texts, groups
    numbers: list[float]  # further numbers a sentence on this claim may state
    turn: int
    by: str | None  # "user": done by hand in the picture; None: by the loop


class State(TypedDict):
    """One conversation: the turn in hand, and what earlier turns left."""

    turn: int
    history: list[Message]
    question: dict[str, Any]
    focus: dict[str, str] | None
    case: NotRequired[Case | None]
    graph: NotRequired[dict[str, Any] | None]
    features: NotRequired[list[dict[str, Any]]]
    groups: NotRequired[list[Supernode] | None]
    flows: NotRequired[dict[str, Any] | None]
    claims: NotRequired[list[Claim]]
    found: NotRequired[list[dict[str, Any]] | None]
    log: NotRequired[list[dict[str, Any]]]
    spent: NotRequired[dict[str, float] | None]  # this turn: actions, seconds, forward_passes
    said: NotRequired[list[Message]]  # this turn's own lines, until they are history
    decision: NotRequired[dict[str, Any] | None]  # what the planner chose, until it is done
    asks: NotRequired[dict[str, str] | None]  # what is asked before it is done: limit, what
    granted: NotRequired[dict[str, int] | None]  # how often more of a limit was allowed; -1: it was refused
    brain: NotRequired[dict[str, Any] | None]  # what an LLM has spent on this turn
    cost: NotRequired[dict[str, Any]]
    drawing: NotRequired[dict[str, Any] | None]
    report: NotRequired[dict[str, Any] | None]
    finished: NotRequired[bool]
    reply: NotRequired[dict[str, Any]]
