"""Claims: a sentence with its evidence, one class a kind; each holds what belongs to its kind and no more.

A new kind is a class (here, or in a file beside this one) and its name in `Claim`. The state, bundles and
reports hold claims as plain JSON (`plain_claim`); code works on these classes (`agent.core.selectors`).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from agent.core.claim_base import BaseClaim, ControlledClaim, TestedClaim, drop_missing
from agent.core.claim_migration import migrate_claim
from agent.core.claim_parts import (
    Cell,
    Combination,
    GroupPair,
    HeadShare,
    KnockOn,
    Manipulation,
    NextToken,
    OtherText,
    Repair,
    Scaling,
    TextResult,
    TriedSet,
    WordShare,
)
from agent.core.concept_claims import (
    ConceptEffectClaim,
    ConceptsClaim,
    ConceptSwapClaim,
    ExplainedClaim,
    HeadClaim,
    HopClaim,
    MechanismClaim,
    RouteClaim,
)
from agent.core.ids import layer_of

PlainClaim = dict[str, Any]  # a claim as the state keeps it


class PredictionClaim(BaseClaim):
    """What the model says."""

    kind: Literal["prediction"] = "prediction"


class GraphClaim(BaseClaim):
    """What is read from a graph as a whole."""

    kind: Literal["graph"] = "graph"
    members: list[str] = Field(default_factory=list)

    def features(self) -> list[str]:
        """Those it names."""
        return self.members


class PathClaim(BaseClaim):
    """The groups and the strongest path through them."""

    kind: Literal["path"] = "path"
    members: list[str] = Field(default_factory=list)

    def features(self) -> list[str]:
        """Those on the path of a file."""
        return self.members


class HeadsClaim(BaseClaim):
    """The attention heads that a connection of the picture passes."""

    kind: Literal["heads"] = "heads"
    total: float  # of the lead, in logits
    heads: list[HeadShare]

    def features(self) -> list[str]:
        """The heads, by name: 9.0 is head 0 of layer 9, and no number."""
        return [head.name for head in self.heads]

    def values(self) -> list[float]:
        """The whole and its shares."""
        return [*super().values(), self.total, *(head.share for head in self.heads)]


class WordsClaim(BaseClaim):
    """Where the influence on the answer ends among the words of the text."""

    kind: Literal["words"] = "words"
    words: list[WordShare]

    def values(self) -> list[float]:
        """The shares."""
        return [*super().values(), *(word.share for word in self.words)]


class GuessClaim(ControlledClaim):
    """What a baseline says; tested only to compare baselines."""

    kind: Literal["guess"] = "guess"


class EffectClaim(ControlledClaim):
    """What an intervention does to the answer's lead: predicted before, then measured."""

    kind: Literal["effect"] = "effect"
    intervention: Manipulation
    predicted_frozen: float | None = None
    predicted_exact: float | None = None
    predicted_curved: float | None = None
    measured_frozen: float | None = None
    knock_on: list[KnockOn] = Field(default_factory=list)
    says: list[NextToken] | None = None  # next tokens under the intervention
    repair: Repair | None = None

    @property
    def removes(self) -> bool:
        """Whether it sets activations to 0."""
        return self.intervention.factor == 0

    def about(self) -> list[str]:
        """Its groups and those it was seen to move."""
        return [*self.groups, *(moved.supernode for moved in self.knock_on)]

    def foreseen(self) -> list[float]:
        """The predictions, those of the parts of the formula, and those for other groups."""
        own = drop_missing(self.predicted, self.predicted_frozen, self.predicted_exact, self.predicted_curved)
        return [*own, *(moved.predicted for moved in self.knock_on)]

    def seen(self) -> list[float]:
        """What was measured, with attention and norms free and frozen, and of other groups."""
        return [
            *drop_missing(self.measured, self.measured_frozen),
            *(moved.measured for moved in self.knock_on),
        ]

    def values(self) -> list[float]:
        """Those of a controlled test, the factor, layers of members, next tokens and what a repair needs."""
        out = [*super().values(), self.intervention.factor, *(guess.p for guess in self.says or [])]
        out += drop_missing(*map(layer_of, self.members))
        if self.repair is not None:
            out += drop_missing(self.repair.margin, self.repair.without_one, self.repair.controls_saying)
        return out


class TriedClaim(BaseClaim):
    """What a reader saw by changing a group or a feature by hand; without controls."""

    kind: Literal["tried"] = "tried"
    groups: list[str] = Field(default_factory=list)
    members: list[str]
    intervention: Scaling
    measured: float
    says: list[NextToken]

    def features(self) -> list[str]:
        """Its members."""
        return self.members

    def about(self) -> list[str]:
        """Its groups."""
        return self.groups

    def seen(self) -> list[float]:
        """The change of the lead."""
        return [self.measured]

    def values(self) -> list[float]:
        """The change, the factor and the next tokens."""
        guesses = [guess.p for guess in self.says]
        return [*super().values(), self.measured, self.intervention.factor, *guesses]


class LostClaim(BaseClaim):
    """Where the graph's features for the wanted token are outweighed."""

    kind: Literal["lost"] = "lost"
    for_answer: float  # sums over the pruned graph, in logits
    for_wanted: float
    last_for_answer: float  # shares of these sums at the last token
    last_for_wanted: float
    overtaken: int | None  # the layer from which on the answer's features stay ahead
    layers: int
    cells: list[Cell]

    def values(self) -> list[float]:
        """The sums, the shares, the cells and the numbers of the layers."""
        own = [self.for_answer, self.for_wanted, self.last_for_answer, self.last_for_wanted]
        cells = [value for cell in self.cells for value in (cell.for_answer, cell.for_wanted)]
        return [*super().values(), *own, *cells, *range(self.layers + 1)]


class SearchClaim(BaseClaim):
    """What was tried to find the smallest change that makes the model say the wanted token."""

    kind: Literal["search"] = "search"
    sets: int  # tried in all
    tried: list[TriedSet]  # those of the grid

    @property
    def nearest(self) -> TriedSet:
        """Of the sets of the grid, the one that came nearest."""
        return max(self.tried, key=lambda row: (row.margin, -row.size))

    @property
    def working(self) -> int:
        """How many sets of the grid make the model say it."""
        return sum(row.margin > 0 for row in self.tried)

    def values(self) -> list[float]:
        """The counts, the nearest set and the factors."""
        near = self.nearest
        counts = [self.sets, len(self.tried), self.working]
        factors = {row.factor for row in self.tried}
        return [*super().values(), *counts, near.size, near.factor, near.margin, *factors]


class RateClaim(TestedClaim):
    """On how many other texts removing the group does the same; `measured` is the mean over texts."""

    kind: Literal["rate"] = "rate"
    over: Literal["paraphrases", "entities"]
    texts: list[TextResult]

    @property
    def held(self) -> int:
        """Texts on which it does."""
        return sum(text.holds for text in self.texts)

    @property
    def same(self) -> int:
        """Texts on which the model gives the same answer."""
        return sum(text.same_answer for text in self.texts)

    @property
    def regrouped(self) -> int:
        """Texts on which the same grouping finds the group again."""
        return sum(text.how == "same grouping" for text in self.texts)

    def values(self) -> list[float]:
        """The counts, and of every text what was measured there."""
        run = [text for text in self.texts if text.members and text.p is not None]
        each = [
            value for t in run for value in drop_missing(t.p_answer, t.predicted, t.measured, t.p, t.p_says)
        ]
        controls = [text.controls.n for text in run if text.controls]
        counts = [len(self.texts), *([self.held, self.same, self.regrouped, len(run)] if run else [])]
        return [*super().values(), *counts, *controls, *each, *(len(text.members) for text in run)]


class JointClaim(BaseClaim):
    """The fewest groups that matter together, looked for without controls."""

    kind: Literal["joint"] = "joint"
    groups: list[str]  # what was found; empty: no set does far more than its parts
    tried: list[Combination]

    def about(self) -> list[str]:
        """The groups that were found."""
        return self.groups

    def values(self) -> list[float]:
        """How many were tried, and what each did."""
        return [*super().values(), len(self.tried), *(one.moved for one in self.tried)]


class ComparisonClaim(BaseClaim):
    """Two texts side by side: which groups they share."""

    kind: Literal["comparison"] = "comparison"
    other: OtherText
    pairs: list[GroupPair]

    def values(self) -> list[float]:
        """The counts and, pair by pair, what is shared."""
        shared, union = (sum(getattr(pair, name) for pair in self.pairs) for name in ("shared", "union"))
        alike = sum(pair.alike for pair in self.pairs)
        counts = [len(self.pairs), self.other.their_groups, shared, union, shared / union if union else 0.0]
        each = [x for r in self.pairs for x in (r.shared, r.union, r.share, r.effect, r.other_effect)]
        return [*super().values(), *counts, alike, len(self.pairs) - alike, self.other.p_answer, *each]


Claim = (
    PredictionClaim
    | GraphClaim
    | PathClaim
    | HeadsClaim
    | WordsClaim
    | GuessClaim
    | EffectClaim
    | TriedClaim
    | LostClaim
    | SearchClaim
    | RateClaim
    | JointClaim
    | ComparisonClaim
    | ConceptsClaim
    | ConceptEffectClaim
    | ConceptSwapClaim
    | HeadClaim
    | HopClaim
    | MechanismClaim
    | RouteClaim
    | ExplainedClaim
)
AnyClaim = Annotated[Claim, Field(discriminator="kind"), BeforeValidator(migrate_claim)]
_CLAIM: TypeAdapter[Claim] = TypeAdapter(AnyClaim)


def read_claim(plain: PlainClaim | Claim) -> Claim:
    """A claim of the state, a bundle or a report; raises pydantic.ValidationError for anything else."""
    return plain if isinstance(plain, BaseClaim) else _CLAIM.validate_python(plain)


def read_claims(plain: Sequence[PlainClaim | Claim]) -> list[Claim]:
    """The same for several."""
    return [read_claim(each) for each in plain]


def plain_claim(claim: Claim) -> PlainClaim:
    """A claim as JSON."""
    return claim.model_dump(mode="json")
