"""What every claim has: what its sentences may name and state; and what a test adds."""

from typing import ClassVar, Literal

from pydantic import Field

from agent.core.claim_parts import Controls, Record
from agent.core.ids import join_group_ids


class BaseClaim(Record):
    """What every claim has. Untested claims have no numbers of a test."""

    id: str
    text: str = ""
    turn: int = 1
    verdict: str = "graph-only"
    numbers: list[float] = Field(default_factory=list)  # further numbers a sentence on this claim may state
    by: Literal["user"] | None = None  # "user": done by hand in the picture; None: by the loop

    def features(self) -> list[str]:
        """Ids of features that a sentence on this claim may name."""
        return []

    def about(self) -> list[str]:
        """Ids of the groups that a sentence on this claim may name where it cites tests only."""
        return []

    def values(self) -> list[float]:
        """Every number that a sentence on this claim may state."""
        return [*self.numbers, len(self.features())]

    def foreseen(self) -> list[float]:
        """The numbers that may be called predicted."""
        return []

    def seen(self) -> list[float]:
        """The numbers that may be called measured."""
        return []


class TestedClaim(BaseClaim):
    """A claim that a test settles: a prediction, what was measured, and how likely that is by chance."""

    __test__ = False  # pytest collects classes of this name
    FAMILY: ClassVar[str] = "groups"  # tests whose p-values are adjusted for each other
    groups: list[str] = Field(default_factory=list)  # supernodes it is about, all at once
    members: list[str] = Field(default_factory=list)
    predicted: float | None = None
    measured: float | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def name(self) -> str | None:
        """The groups as one name (S1, S1+S2); None for features that belong to no group."""
        return join_group_ids(self.groups) if self.groups else None

    @property
    def effect(self) -> float:
        """The measured change of the lead, in logits; 0 before the test."""
        return self.measured or 0.0

    def features(self) -> list[str]:
        """Its members."""
        return self.members

    def about(self) -> list[str]:
        """Its groups."""
        return self.groups

    def foreseen(self) -> list[float]:
        """What was predicted."""
        return drop_missing(self.predicted)

    def seen(self) -> list[float]:
        """What was measured."""
        return drop_missing(self.measured)

    def values(self) -> list[float]:
        """Those of any claim, what was predicted and what was measured."""
        return [*super().values(), *self.foreseen(), *self.seen()]


class ControlledClaim(TestedClaim):
    """One that was tested beside matched random controls on one text."""

    controls: Controls | None = None  # random others, as active
    norm_controls: Controls | None = None  # random others that move the residual stream as far
    doses: dict[str, float] | None = None  # factor -> change of the lead

    def values(self) -> list[float]:
        """Those of a test, its controls and its doses."""
        drawn = (_list_control_numbers(self.controls), _list_control_numbers(self.norm_controls))
        return [*super().values(), *drawn[0], *drawn[1], *_list_dose_numbers(self.doses)]

    @property
    def loudest(self) -> float:
        """The largest effect of any control, in logits."""
        return max((c.max_abs for c in (self.controls, self.norm_controls) if c is not None), default=0.0)


def _list_control_numbers(controls: Controls | None) -> list[float]:
    if controls is None:
        return []
    return [controls.n, controls.mean, controls.sd, controls.max_abs, controls.matched]


def _list_dose_numbers(doses: dict[str, float] | None) -> list[float]:
    return [*map(float, doses or {}), *(doses or {}).values()]


def drop_missing(*values: float | None) -> list[float]:
    """Those that are there."""
    return [value for value in values if value is not None]
