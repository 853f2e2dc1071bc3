"""What the lens reads on a text as a part of the drawing, bounded in size; from outside it is checked.

A value alone: whoever opens an answer that was kept needs no model.
"""

from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_WORDS, MOST_LAYERS, LONGEST = 48, 32, 200
Token = Annotated[str, Field(max_length=LONGEST)]
Score = Annotated[float, Field(allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=100_000)]


class DrawnLens(BaseModel):
    """The best words behind each layer's block at each position: `cells[layer][position]`, best first.

    Each is a token and how many standard deviations it stands out (None: unknown). `places`: the place (1:
    first) of the answer in all that is read at the last word, layer by layer; empty where it is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    layers: list[Number] = Field(min_length=1, max_length=MOST_LAYERS)
    positions: list[Number] = Field(min_length=1, max_length=MOST_WORDS)
    cells: list[list[Annotated[list[tuple[Token, Score | None]], Field(max_length=3)]]]
    places: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list, max_length=MOST_LAYERS)

    @model_validator(mode="after")
    def _fits(self) -> "DrawnLens":
        for numbers in (self.layers, self.positions):
            if any(a >= b for a, b in pairwise(numbers)):
                raise ValueError("layers and positions of a lens go upwards")
        if [len(row) for row in self.cells] != [len(self.positions)] * len(self.layers):
            raise ValueError("a lens has one cell a layer and position")
        if len(self.places) not in (0, len(self.layers)):
            raise ValueError("a lens has one place of the answer a layer")
        return self
