"""How features are called: L11.N1234+@5 is a neuron with its sign, L11.F1234@5 a feature of a transcoder.

The one grammar of these ids: each stands at a position; L11.N1234+ without one is a feature on any text.
"""

import re
from typing import NamedTuple

FEATURE = r"L\d+\.(?:N\d+[+-]|F\d+)"  # a feature on any text, as a regular expression
FEATURE_AT = rf"{FEATURE}@\d+"  # one at a position
_PARTS = re.compile(r"L(\d+)\.(?:N(\d+)([+-])|F(\d+))(?:@(\d+))?", re.ASCII)
NEURON, TRANSCODED = "N", "F"


class FeatureId(NamedTuple):
    """The parts of an id; `sign` is + or - for a neuron, empty for a transcoder's feature."""

    layer: int
    number: int
    sign: str = ""
    position: int | None = None

    @property
    def place(self) -> str:
        """The id without its position."""
        return f"L{self.layer}.{NEURON if self.sign else TRANSCODED}{self.number}{self.sign}"

    @property
    def text(self) -> str:
        """The id."""
        return self.place if self.position is None else f"{self.place}@{self.position}"


def name_feature(layer: int, number: int, sign: str = "", position: int | None = None) -> str:
    """The id of a feature; `sign` is + or - for a neuron, empty for a transcoder's feature."""
    return FeatureId(layer, number, sign, position).text


def read_feature(name: str) -> FeatureId | None:
    """The parts of an id; None for anything else."""
    found = _PARTS.fullmatch(name)
    if found is None:
        return None
    layer, neuron, sign, feature, position = found.groups()
    place = None if position is None else int(position)
    return FeatureId(int(layer), int(neuron or feature), sign or "", place)
