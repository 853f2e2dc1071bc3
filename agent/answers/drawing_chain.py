"""The chain of concepts in a drawing: what is held where, what leads to what, and what was changed."""

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DrawnSwap(_Part):
    """What is said with another concept in its place, and how likely."""

    other: str
    says: str
    p: float
    outcome: str  # installed, only removed, neither
    verdict: str


class DrawnConcept(_Part):
    """A concept at the word it is held at, over a run of layers (first, last)."""

    id: str = Field(pattern=r"^K\d{1,4}$")
    name: str
    tokens: list[str]
    position: int
    layers: tuple[int, int]
    role: str  # word, said before, concept, answer
    strength: float
    effect: float | None = None  # of taking it out, on the lead in logits
    verdict: str | None = None
    swap: DrawnSwap | None = None


class HopHead(_Part):
    """An attention head and its share of a hop."""

    name: str  # 14.2
    share: float


class Hop(_Part):
    """How much of the target is lost without the source: ids of concepts, a word (T3), the answer (LD)."""

    source: str
    target: str
    share: float | None = None
    heads: list[HopHead] = Field(default_factory=list)
    verdict: str | None = None


class Guess(_Part):
    """How likely a token is before and after something was changed; None: not among the likeliest."""

    token: str
    before: float | None
    after: float | None


class Changed(_Part):
    """The last change of this text's run: what was taken out or exchanged, and what is said then."""

    kind: str  # taken out, exchanged
    about: list[str]
    other: str | None = None  # the concept that was put in its place
    tokens: list[Guess]
