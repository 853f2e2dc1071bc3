"""What the lens reads, as tables for a terminal and for markdown: layers upward, words along the bottom."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ui.base.written import show_token

if TYPE_CHECKING:
    from rich.table import Table

    from agent import LensReading, ReadWord

OUT, FAR = 2.0, 6.0  # standard deviations from which a word stands out, and stands out far
WIDE = 14  # signs of a word in a table of many


def lens_tables(reading: "LensReading", width: int) -> "Iterator[Table]":
    """The best word of each place, in as many tables as the width asks for; of one word, all that are read.

    What stands out is bright, what is read there on other texts as well is dim.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    whole = len(reading.positions) == 1
    step = max(1, (width - 6) // (WIDE + 2))
    for start in range(0, len(reading.positions), step):
        columns = range(start, min(start + step, len(reading.positions)))
        words = [show_token(reading.tokens[reading.positions[column]]).strip() for column in columns]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=False, show_footer=True)
        table.add_column(justify="right", no_wrap=True)
        for word in words:
            table.add_column(footer=Text(word, "bold"), no_wrap=not whole, max_width=None if whole else WIDE)
        for row in reversed(range(len(reading.layers))):
            cells = [reading.cells[row][column] for column in columns]
            shown = [_all_words(best) if whole else _word(best[0]) for best in cells]
            table.add_row(f"L{reading.layers[row]}", *(Text.assemble(*parts) for parts in shown))
        yield table


def lens_markdown(reading: "LensReading") -> str:
    """The best word of each place as a table of markdown, with its score."""
    from agent import escape_md

    words = [escape_md(show_token(reading.tokens[position]).strip()) for position in reading.positions]
    lines = [f"| layer | {' | '.join(words)} |", "|---" * (len(words) + 1) + "|"]
    for row in reversed(range(len(reading.layers))):
        cells = [f"{escape_md(best[0].token.strip())}{_number(best[0])}" for best in reading.cells[row]]
        lines.append(f"| {reading.layers[row]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _all_words(best: "tuple[ReadWord, ...]") -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    for one in best:
        parts += [(" · ", "dim")] * bool(parts) + _word(one) + [(_number(one), "dim")]
    return parts


def _word(one: "ReadWord") -> list[tuple[str, str]]:
    score = OUT if one.score is None else one.score
    return [(show_token(one.token).strip(), "dim" if score < OUT else "bold" if score >= FAR else "")]


def _number(one: "ReadWord") -> str:
    return "" if one.score is None else f" {one.score:.1f}".replace("-", "−")
