"""What one conversation remembers: plain JSON, so that it survives a restart. No behaviour."""

from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic reads these, and on Python 3.11 only such

from agent.core.claims import PlainClaim


class Message(TypedDict):
    """One line of the conversation."""

    role: str
    content: str
    cites: NotRequired[list[dict[str, Any]]]  # text, claims, about: see agent.answers.citations
    circuit: NotRequired[str]  # the drawing it speaks of
    writing: NotRequired[dict[str, Any]]  # what the subject wrote (`agent.core.writings`)


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
    foil_rule: NotRequired[str]  # asked, text (another there), form (its other one), kind, nearest, runner-up
    template: NotRequired[list[int]]  # positions of tokens that are a chat template's, not a message's
    roles: NotRequired[list[tuple[str, int, int]]]  # messages: role, first token, the one behind its last
    sink: NotRequired[bool]  # attention rests on the first token: a begin token, or a word in its place
    window: NotRequired[tuple[int, int]]  # of a long text: tokens before what is looked at; where it begins
    goes_on: NotRequired[str]  # a function word and what is written behind it, up to one that means something
    runner_up: NotRequired[str]  # the second most probable token, where the foil is another


class Supernode(TypedDict):
    """A named group of features at positions."""

    id: str
    name: str
    kind: str  # input, say or middle; set: features that belong to no group, and it has no id
    sign: int  # +1: for the answer, -1: for the foil
    share: float  # of the pruned graph's summed |effect|
    effect: float
    position: int
    layers: list[int]
    members: list[str]
    raises: list[str]
    lowers: list[str]


class State(TypedDict):
    """One conversation: the turn in hand, and what earlier turns left."""

    turn: int
    history: list[Message]
    question: dict[str, Any]
    earlier: NotRequired[list[dict[str, Any]]]  # the texts it was about before: agent.session.recall
    focus: dict[str, str] | None
    case: NotRequired[Case | None]
    graph: NotRequired[dict[str, Any] | None]
    features: NotRequired[list[dict[str, Any]]]
    groups: NotRequired[list[Supernode] | None]
    flows: NotRequired[dict[str, Any] | None]
    concepts: NotRequired[dict[str, Any] | None]  # note (why there are none), tested, path: ids of concepts
    claims: NotRequired[list[PlainClaim]]  # read with `claims_of`, written with `entered`
    found: NotRequired[list[dict[str, Any]] | None]
    log: NotRequired[list[dict[str, Any]]]
    spent: NotRequired[dict[str, float] | None]  # this turn: actions, seconds, forward_passes
    said: NotRequired[list[Message]]  # this turn's own lines, until they are history
    idle: NotRequired[
        list[dict[str, Any]] | None
    ]  # actions of this turn that changed nothing: not chosen again
    decision: NotRequired[dict[str, Any] | None]  # what the planner chose, until it is done
    asks: NotRequired[dict[str, str] | None]  # what is asked before it is done: limit, what
    granted: NotRequired[dict[str, int] | None]  # how often more of a limit was allowed; -1: it was refused
    brain: NotRequired[dict[str, Any] | None]  # what an LLM has spent on this turn
    cost: NotRequired[dict[str, Any]]
    drawing: NotRequired[dict[str, Any] | None]
    report: NotRequired[dict[str, Any] | None]
    finished: NotRequired[bool]
    reply: NotRequired[dict[str, Any]]
