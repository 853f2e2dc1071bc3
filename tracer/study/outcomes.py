"""What an intervention on a text is, and what it was measured to do: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tracer.study.study import Study


CURVED = 0.75  # weight of slope and curvature in a forecast; the rest is the graph's (ARCHITECTURE.md)


class Token(NamedTuple):
    """A piece of text as the model's tokens; `rest` is what a longer piece goes on with."""

    text: str
    token_id: int
    rest: tuple[str, ...]
    ids: tuple[int, ...] = ()  # of all of it


class Forecast(NamedTuple):
    """What is foreseen of a change of logit(answer) - logit(foil), and of later groups' activation."""

    frozen: float  # by the graph of all features, attention and norms as on the text
    exact: float  # by the live model's slope at the text as it is
    curved: float  # by its slope and curvature there
    knock_on: tuple[float, ...]  # relative change of each readout, by the graph and by slope and curvature

    @property
    def mean(self) -> float:
        """The weighted mean of the graph's and the curved prediction: what a claim registers."""
        return weighted(self.frozen, self.curved)


def weighted(graph: float, curved: float) -> float:
    """What is foreseen, of what the graph and the curved prediction say."""
    return (1 - CURVED) * graph + CURVED * curved


class SingleRun(NamedTuple):
    """One intervention looked at quickly: the change of logit(answer) - logit(foil), and next tokens."""

    change: float
    tokens: tuple[tuple[str, float, float], ...]  # token, its probability before and after


class Outcome(NamedTuple):
    """What an intervention did to logit(answer) - logit(foil)."""

    measured: float
    measured_frozen: float
    controls: tuple[float, ...]
    matched: int
    doses: dict[float, float]
    knock_on: tuple[float, ...]
    norm_controls: tuple[float, ...] = ()  # random others that move the residual stream as far
    norm_matched: int = 0
    say_foil: int = 0  # of the controls, where the whole vocabulary was looked at


@dataclass(frozen=True)
class Intervention:
    """Set features to `factor` times their activation, or (swap) to their values in another text."""

    kind: str  # "ablate", "steer" or "swap"
    factor: float = 0.0
    donor: "Study | None" = None
    shift: Mapping[int, int] = field(default_factory=dict)  # own position -> the donor's
