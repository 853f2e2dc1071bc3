"""What the lens reads on a text, for the drawing. The value is in `drawn_lens`."""

import math
from collections.abc import Sequence
from typing import Any

from agent.answers.drawn_lens import LONGEST, MOST_LAYERS, MOST_WORDS
from agent.core import Claim, ConceptsClaim, QuestionError
from agent.experiments import read_lens
from agent.workspace import Workspace


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
