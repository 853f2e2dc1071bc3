"""The verb by which machines read the concept lens on a text, word by word."""

import uuid
from typing import ClassVar

from pydantic import Field

from ui.base import lens_markdown
from ui.machines.verbs import Call, Result, Text, Token, Verb

MOST = 48  # words of a text in one answer


class Lens(Verb):
    """Read which words the model has in mind at each word of a text, behind each layer. Tests nothing.

    Gives a table of the best word of each place, and of each the best ones with how many standard deviations
    they stand out against other texts. `concepts` tests what leads to the answer, `swap` exchanges one.
    """

    name: ClassVar[str] = "lens"
    text: Text = Field(description=f"The text; of a longer one the last {MOST} words are read.")
    at: Token | None = Field(None, description="Only at this word.")
    best: int = Field(3, ge=1, le=20, description="How many words of each place.")

    def run(self, call: Call) -> Result:
        """Read it; no conversation is begun."""
        from agent import Session

        session = Session(call.workspace(), uuid.uuid4().hex)
        reading = session.read_lens(self.text, at=self.at, best=self.best, cancel=call.cancel).last(MOST)
        cells = [[[[one.token, one.score] for one in best] for best in row] for row in reading.cells]
        data = {
            "tokens": list(reading.tokens),
            "layers": list(reading.layers),
            "positions": list(reading.positions),
            "cells": cells,
        }
        return Result(lens_markdown(reading), data)
