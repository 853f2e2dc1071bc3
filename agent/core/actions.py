"""The closed, typed set of actions a planner may choose, and the decision that names one. No behaviour."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_FACTOR = 20  # what an activation may be multiplied by


class _Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Predict(_Action):
    """Run the text and list the most probable next tokens; settles answer, foil and premise."""

    kind: Literal["predict"] = "predict"


class ReadConcepts(_Action):
    """Read with the concept lens what the model holds in mind at each word; needs no graph."""

    kind: Literal["read_concepts"] = "read_concepts"


class TestConcepts(_Action):
    """Take out the concepts on the way to the answer, and exchange the strongest for others of its kind.

    With `concept` and `other` just that exchange, at the word `at` where it is named.
    """

    __test__ = False  # pytest collects classes of this name
    kind: Literal["test_concepts"] = "test_concepts"
    concept: str | None = Field(default=None, max_length=200)
    other: str | None = Field(default=None, max_length=200)
    at: str | None = Field(default=None, max_length=200)


class Trace(_Action):
    """Make the attribution graph of logit(answer) - logit(foil)."""

    kind: Literal["trace"] = "trace"
    nodes: int = Field(ge=10, le=100_000)


class Prune(_Action):
    """Keep what holds 0.8 of the node and 0.98 of the edge influence."""

    kind: Literal["prune"] = "prune"


class Describe(_Action):
    """Label every feature of the pruned graph and file the labels in the library."""

    kind: Literal["describe"] = "describe"


class Group(_Action):
    """Put features into supernodes, always the same way."""

    kind: Literal["group"] = "group"


class Hypothesise(_Action):
    """Register, for each group, what an intervention on it will do, as a number, before any test."""

    kind: Literal["hypothesise"] = "hypothesise"
    groups: tuple[str, ...] = Field(min_length=1, max_length=20)
    intervention: Literal["ablate", "steer", "swap"] = "ablate"
    factor: float = Field(default=0.0, ge=-MAX_FACTOR, le=MAX_FACTOR)
    donor: str | None = None  # swap: the text the activations are taken from


class Test(_Action):
    """Intervene on the model as one claim says, beside its matched random controls."""

    __test__ = False  # pytest collects classes of this name
    kind: Literal["test"] = "test"
    claim: str
    extend: bool = False  # ten times the controls, where the effect beats all of the first ones


class Combine(_Action):
    """Look for the fewest groups that matter together, where none of them matters alone."""

    kind: Literal["combine"] = "combine"


class Flip(_Action):
    """Look for the fewest features whose change makes the model say the foil, and register what it does."""

    kind: Literal["flip"] = "flip"


class Generalise(_Action):
    """Register what removing a group does on other texts: paraphrases, or other entities in it."""

    kind: Literal["generalise"] = "generalise"
    group: str
    over: Literal["paraphrases", "entities"]


class Compare(_Action):
    """Trace the other text the question names and set its groups beside this text's."""

    kind: Literal["compare"] = "compare"


class Split(_Action):
    """Part groups whose members do not act alike, and draw the picture again."""

    kind: Literal["split"] = "split"


class Search(_Action):
    """Look up feature descriptions by meaning."""

    kind: Literal["search"] = "search"
    query: str = Field(min_length=1, max_length=1000)


class Answer(_Action):
    """Write the answer of this style from the ledger; ends the turn."""

    kind: Literal["answer"] = "answer"
    style: Literal[
        "why", "intervene", "node", "path", "words", "sure", "evidence", "search", "help", "unknown",
        "no-text", "no-group", "not-yet", "make", "holds", "compare", "partial", "one-shot", "text-only",
        "concepts", "swap-concept", "line", "simply", "detail", "first-layer", "table", "method",
    ]  # fmt: skip


Action = Annotated[
    Predict
    | ReadConcepts
    | TestConcepts
    | Trace
    | Prune
    | Describe
    | Group
    | Split
    | Hypothesise
    | Combine
    | Flip
    | Generalise
    | Compare
    | Test
    | Search
    | Answer,
    Field(discriminator="kind"),
]


class Decision(_Action):
    """What to do next, and why, in one line for the log."""

    action: Action
    why: str = Field(max_length=300)
    notes: tuple[str, ...] = ()  # what was refused or spent on the way to it, a line each
