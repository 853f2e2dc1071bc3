"""The parts of claims: controls, interventions, and the rows that a kind sums up. No behaviour."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A part of a claim: frozen, and of known fields only."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NextToken(Record):
    """A next token and its probability."""

    token: str
    p: float


class Controls(Record):
    """What matched random sets did: changes of the lead, in logits."""

    n: int
    mean: float
    sd: float
    max_abs: float
    matched: float  # share of the members for which a control that writes as strongly was found
    values: list[float]


class KnockOn(Record):
    """How a group's activation changes where another one is changed, as a share of it."""

    supernode: str
    predicted: float
    measured: float = 0.0


class Scaling(Record):
    """Activations multiplied by a factor; 0 removes them."""

    kind: Literal["ablate", "steer"]
    factor: float


class PatchSource(Record):
    """The text a swap takes activations from, what it says, and which position corresponds to which."""

    text: str
    foil: str
    foil_id: int
    foil_p: float
    positions: list[int]  # own positions where the texts differ
    replaced: list[str]
    pairs: list[tuple[int, int]]
    same: bool | None = (
        None  # the other text is continued with the answer, too, and the foil is its runner-up
    )

    @property
    def shift(self) -> dict[int, int]:
        """Own position -> position in the other text."""
        return dict(self.pairs)

    @property
    def numbers(self) -> list[float]:
        """Numbers a sentence on this swap may state."""
        return [self.foil_p, len(self.positions)]


class Swap(Record):
    """Activations taken over from another text."""

    kind: Literal["swap"] = "swap"
    factor: float = 1.0
    donor: PatchSource


Manipulation = Annotated[Scaling | Swap, Field(discriminator="kind")]


class HeadShare(Record):
    """An attention head and its share of a connection."""

    layer: int
    head: int
    share: float

    @property
    def name(self) -> str:
        """Its layer and number: 9.0."""
        return f"{self.layer}.{self.head}"


class WordShare(Record):
    """The share of the influence on the answer that ends at one token."""

    position: int
    share: float


class Repair(Record):
    """A set of features whose change makes the model say the wanted token."""

    wanted: str
    margin: float  # logit(wanted) - the largest other logit, under the change
    without_one: float | None  # the largest margin with any one member left out; None: one member
    controls_saying: int = 0  # random sets that make the model say it, too


class Cell(Record):
    """A token and a band of layers, with the effects of the features there for either token."""

    position: int
    layers: tuple[int, int]
    for_answer: float
    for_wanted: float


class TriedSet(Record):
    """One set of the fixed grid: its size, its factor and how near it came."""

    factor: float
    size: int
    predicted: float
    margin: float
    says: str


class TextResult(Record):
    """One other text: what the model says there, the corresponding group, and what removing it does."""

    text: str
    changed: list[tuple[str, str]] = []  # own word, the one in its place
    members: list[str] = []  # empty: nothing there corresponds
    how: str = ""
    name: str | None = None
    answer: str | None = None
    answer_id: int | None = None
    p_answer: float | None = None
    foil: str | None = None
    foil_id: int | None = None
    same_answer: bool = False
    predicted: float | None = None
    measured: float | None = None
    measured_frozen: float | None = None
    controls: Controls | None = None
    p: float | None = None
    says: str | None = None
    p_says: float | None = None
    holds: bool = False


class Combination(Record):
    """Groups that were removed at once, and the change of the lead."""

    groups: list[str]
    moved: float


class OtherText(Record):
    """The text that is set beside this one."""

    text: str
    answer: str
    foil: str
    p_answer: float
    same_answer: bool
    differ: list[str]  # words of this text that another stands in place of
    their_groups: int


class GroupPair(Record):
    """A group and the one of the other text that shares most features with it."""

    group: str
    name: str
    other: str | None
    shared: int
    union: int
    share: float
    alike: bool
    effect: float
    other_effect: float
