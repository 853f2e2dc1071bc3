"""What the lens reads on a text as a part of the drawing, bounded in size; from outside it is checked."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.core import Claim, ConceptsClaim, QuestionError
from agent.experiments import read_lens
from agent.workspace import Workspace

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


def lens_drawn(workspace: Workspace, text: str, ledger: Sequence[Claim]) -> dict[str, Any] | None:
    """The table of a text, of its last words and of every so manieth layer.

    None where concepts were not read on it.
    """
    read = [claim for claim in ledger if isinstance(claim, ConceptsClaim)]
    lens = workspace.lens() if read else None
    if lens is None:
        return None
    step = math.ceil(len(lens.layers) / MOST_LAYERS)
    layers = sorted(lens.layers[::-1][::step])  # the last one, which says, is among them
    try:
        found = read_lens(workspace, text, layers=layers, last=MOST_WORDS)
    except QuestionError:  # the picture is shown without it
        return None
    places = dict(read[-1].answer_places)
    return {
        "layers": layers,
        "positions": list(found.positions),
        "cells": [
            [[[one.token[:LONGEST], one.score] for one in best] for best in row] for row in found.cells
        ],
        "places": [places[layer] for layer in layers] if places.keys() >= set(layers) else [],
    }
