"""What the lens reads on a text as a table of values: layers, words, and the best words of each place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.core import QuestionError, find_places, quote_token, round_reported
from agent.workspace import Workspace
from tracer import TracerError, read_table, word_places

BEST = 3  # words of a place
MOST_BEST = 50


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word that is read at a place.

    `score`: how many standard deviations its reading stands out against other texts; None: unknown.
    """

    token: str
    score: float | None


@dataclass(frozen=True, slots=True)
class LensReading:
    """The best words behind each layer's block at each position: `cells[layer][position]`, best first."""

    text: str
    tokens: tuple[str, ...]  # of the text
    layers: tuple[int, ...]
    positions: tuple[int, ...]
    cells: tuple[tuple[tuple[ReadWord, ...], ...], ...]

    def last(self, count: int) -> "LensReading":
        """The same of the last so many positions."""
        cells = tuple(row[-count:] for row in self.cells)
        return replace(self, positions=self.positions[-count:], cells=cells)

    def rows(self) -> list[dict[str, Any]]:
        """One row a word that is read: layer, position, word, rank (1: best), token, score."""
        return [
            {
                "layer": layer,
                "position": position,
                "word": self.tokens[position],
                "rank": rank,
                "token": one.token,
                "score": one.score,
            }
            for layer, cells in zip(self.layers, self.cells, strict=True)
            for position, best in zip(self.positions, cells, strict=True)
            for rank, one in enumerate(best, 1)
        ]


def read_lens(
    workspace: Workspace,
    text: str,
    *,
    at: str | None = None,
    best: int = BEST,
    layers: Sequence[int] | None = None,
    last: int | None = None,
) -> LensReading:
    """Read a text's table, at every word (of the `last` so many) or at the one that is named.

    Raises QuestionError with a sentence where there is no lens, no text or no such word.
    """
    if not text.strip():
        raise QuestionError("The text is empty: give the text on which the lens is to be read.")
    if not 1 <= best <= MOST_BEST:
        raise QuestionError(f"From 1 to {MOST_BEST} words of a place can be given, not {best}.")
    lens = workspace.lens()
    if lens is None:
        raise QuestionError(workspace.lens_note)
    try:
        study = workspace.study(text)
        positions = word_places(study.frozen) if at is None else find_places(study.tokens, at)
        if not positions:
            raise QuestionError(f"The text has no word {quote_token(at or '')}: name one of its words.")
        if last is not None:
            positions = positions[-last:]
        table = read_table(study.frozen, lens, workspace.words, layers=layers, positions=positions, k=best)
    except TracerError as exc:
        raise QuestionError(str(exc)) from exc
    texts = workspace.subject.token_texts(table.tokens.flatten().tolist())
    scores = table.score.flatten().tolist()
    words = [
        ReadWord(token, None if math.isnan(score) else round_reported(score))
        for token, score in zip(texts, scores, strict=True)
    ]
    width, across = table.tokens.shape[2], len(table.positions)
    places = [tuple(words[start : start + width]) for start in range(0, len(words), width)]
    cells = tuple(tuple(places[row * across : (row + 1) * across]) for row in range(len(table.layers)))
    return LensReading(text, tuple(study.tokens), table.layers, table.positions, cells)
