"""Plots of a suite as inline SVG: plain shapes, colours by class, every text escaped. Knows no files."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 40
ROW = 20  # height of one line of the controls' plot
NAMES = 130  # room for the names there

Point = tuple[float, float, str, str]  # x, y, class, what it is


def scatter(points: Sequence[Point], x_name: str, y_name: str, slope: float | None) -> str:
    """Measured over predicted: the diagonal dashed, the fitted slope (through the means) drawn."""
    if not points:
        return _empty("nothing was tested")
    ends = _ends([p[0] for p in points] + [p[1] for p in points])
    frame = Frame(ends, ends)
    parts = [frame.axes(x_name, y_name), frame.line(ends[0], ends[0], ends[1], ends[1], "diagonal")]
    if slope is not None:
        mx, my = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
        low, high = (my + slope * (x - mx) for x in ends)
        parts.append(f'<g clip-path="url(#inside)">{frame.line(ends[0], low, ends[1], high, "fit")}</g>')
    parts += [frame.mark(*point) for point in points]
    return _svg(WIDTH, HEIGHT, _clip() + "".join(parts), f"{y_name} over {x_name}, {len(points)} points")


def curves(lines: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], x_name: str, y_name: str) -> str:
    """One line a case: its name, its class, its points."""
    if not lines:
        return _empty("no dose was measured")
    xs = [x for _, _, line in lines for x, _ in line]
    ys = [y for _, _, line in lines for _, y in line]
    frame = Frame((min(xs), max(xs)), _ends(ys))
    parts = [frame.axes(x_name, y_name)]
    for name, kind, line in lines:
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line)
        parts.append(
            f'<polyline class="curve {kind}" points="{path}"><title>{escape(name)}</title></polyline>'
        )
    return _svg(WIDTH, HEIGHT, "".join(parts), f"{y_name} over {x_name}, {len(lines)} lines")


def strips(rows: Sequence[tuple[str, str, float, Sequence[float]]]) -> str:
    """A row a test: every control's effect as a tick, the group's own as a mark."""
    if not rows:
        return _empty("nothing was tested")
    height = TOP + BOTTOM + ROW * len(rows)
    ends = _ends([v for _, _, measured, controls in rows for v in (measured, *controls)])
    frame = Frame(ends, (0, 1), height, NAMES)
    parts = [frame.axes("change of the lead, in logits", "", ticks=False)]
    for i, (name, kind, measured, controls) in enumerate(rows):
        y = TOP + ROW * (i + 0.5)
        short = name if len(name) <= 20 else f"{name[:19]}…"
        parts.append(f'<text class="name" x="{NAMES - 6}" y="{y + 4:.1f}">{escape(short)}</text>')
        ticks = "".join(f"M{frame.x(v):.1f} {y - 5:.1f}v10" for v in controls)
        parts.append(f'<path class="tick" d="{ticks}"><title>{len(controls)} controls</title></path>')
        parts.append(shape(frame.x(measured), y, kind, f"{name}: {measured:+.2f}"))
    return _svg(WIDTH, height, "".join(parts), f"effects of groups beside their controls, {len(rows)} tests")


def bars(counts: Iterable[tuple[str, int]]) -> str:
    """How many of each verdict."""
    rows = list(counts)
    most = max((count for _, count in rows), default=0) or 1
    parts = []
    for i, (name, count) in enumerate(rows):
        y, width = TOP + 30 * i, (WIDTH - NAMES - 50) * count / most
        parts.append(f'<text class="name" x="{NAMES - 6}" y="{y + 15}">{escape(name)}</text>')
        parts.append(
            f'<rect class="bar {escape(name)}" x="{NAMES}" y="{y}" width="{width:.1f}" height="20"/>'
        )
        parts.append(f'<text x="{NAMES + width + 6:.1f}" y="{y + 15}">{count}</text>')
    return _svg(WIDTH, 2 * TOP + 30 * len(rows), "".join(parts), "verdicts")


class Frame:
    """The inside of a plot: data to pixels."""

    def __init__(
        self, xs: tuple[float, float], ys: tuple[float, float], height: int = HEIGHT, left: int = LEFT
    ) -> None:
        """Ends of both axes."""
        self.xs, self.ys, self.height, self.left = xs, ys, height, left

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return self.left + (WIDTH - self.left - RIGHT) * (value - self.xs[0]) / (self.xs[1] - self.xs[0])

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return TOP + (self.height - TOP - BOTTOM) * (self.ys[1] - value) / (self.ys[1] - self.ys[0])

    def line(self, x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
        """A straight line between two points of the data."""
        ends = f'x1="{self.x(x0):.1f}" y1="{self.y(y0):.1f}" x2="{self.x(x1):.1f}" y2="{self.y(y1):.1f}"'
        return f'<line class="{kind}" {ends}/>'

    def mark(self, x: float, y: float, kind: str, name: str) -> str:
        """A point."""
        return shape(self.x(x), self.y(y), kind, name)

    def axes(self, x_name: str, y_name: str, ticks: bool = True) -> str:
        """Grid, numbers and names."""
        bottom, parts = self.height - BOTTOM, []
        for value in _round_values(*self.xs):
            x = f"{self.x(value):.1f}"
            parts.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}"/>')
            parts.append(f'<text class="middle" x="{x}" y="{bottom + 15}">{_number(value)}</text>')
        for value in _round_values(*self.ys) if ticks else ():
            y = self.y(value)
            parts.append(
                f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            )
            parts.append(f'<text class="name" x="{self.left - 6}" y="{y + 4:.1f}">{_number(value)}</text>')
        middle = (self.left + WIDTH - RIGHT) / 2
        parts.append(f'<text class="middle" x="{middle:.1f}" y="{self.height - 6}">{escape(x_name)}</text>')
        at = f"14 {self.height / 2:.1f}"
        turned = at.replace(" ", ",")
        parts.append(
            f'<text class="middle" transform="translate({turned}) rotate(-90)">{escape(y_name)}</text>'
        )
        return "".join(parts)


def shape(x: float, y: float, kind: str, name: str) -> str:
    """A mark whose form tells the verdict where colours do not."""
    r = 4.2
    forms = {
        "supported": f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0",
        "partly": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z",
        "refuted": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8",
    }
    form = forms.get(kind, f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z")
    return f'<path class="mark {escape(kind)}" d="{form}"><title>{escape(name)}</title></path>'


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The range of the values and 0, with a margin."""
    low, high = min(0.0, *values), max(0.0, *values)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _round_values(low: float, high: float) -> list[float]:
    """About five round numbers between two."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−") if abs(value) > 1e-9 else "0"


def _clip() -> str:
    inside = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    return f'<clipPath id="inside"><rect {inside}/></clipPath>'


def _svg(width: float, height: float, inner: str, name: str) -> str:
    label = escape(name)
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}">{inner}</svg>'


def _empty(why: str) -> str:
    return f'<p class="none">{escape(why)}</p>'


def strongest_of(card: dict[str, Any]) -> dict[str, Any] | None:
    """The test with the largest measured effect of a case."""
    return max(card["tests"], key=lambda t: abs(t["measured"]), default=None)
