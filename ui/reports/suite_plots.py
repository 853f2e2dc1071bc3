"""Plots of a suite as inline SVG: plain shapes, colours by class. Knows no files."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import Any

from ui.base import show_hidden

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
    frame = Frame(ends, ends, f"{y_name} over {x_name}, {len(points)} points")
    frame.add_axes(x_name, y_name)
    frame.add_line(ends[0], ends[0], ends[1], ends[1], "diagonal")
    if slope is not None:
        mx, my = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
        low, high = (my + slope * (x - mx) for x in ends)
        frame.add_line(ends[0], low, ends[1], high, "fit", within=frame.clipped())
    for x, y, kind, name in points:
        _add_mark(frame.svg, frame.x(x), frame.y(y), kind, name)
    return _as_text(frame.svg)


def curves(lines: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], x_name: str, y_name: str) -> str:
    """One line a case: its name, its class, its points."""
    if not lines:
        return _empty("no dose was measured")
    xs = [x for _, _, line in lines for x, _ in line]
    ys = [y for _, _, line in lines for _, y in line]
    frame = Frame((min(xs), max(xs)), _ends(ys), f"{y_name} over {x_name}, {len(lines)} lines")
    frame.add_axes(x_name, y_name)
    for name, kind, line in lines:
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line)
        _add(frame.svg, "polyline", {"class": f"curve {kind}", "points": path}, title=name)
    return _as_text(frame.svg)


def strips(rows: Sequence[tuple[str, str, float, Sequence[float]]]) -> str:
    """A row a test: every control's effect as a tick, the group's own as a mark."""
    if not rows:
        return _empty("nothing was tested")
    height = TOP + BOTTOM + ROW * len(rows)
    ends = _ends([v for _, _, measured, controls in rows for v in (measured, *controls)])
    name = f"effects of groups beside their controls, {len(rows)} tests"
    frame = Frame(ends, (0, 1), name, height, NAMES)
    frame.add_axes("change of the lead, in logits", "", ticks=False)
    for i, (case, kind, measured, controls) in enumerate(rows):
        y = TOP + ROW * (i + 0.5)
        short = case if len(case) <= 20 else f"{case[:19]}…"
        _add(frame.svg, "text", {"class": "name", "x": NAMES - 6, "y": y + 4}, short)
        ticks = "".join(f"M{frame.x(v):.1f} {y - 5:.1f}v10" for v in controls)
        _add(frame.svg, "path", {"class": "tick", "d": ticks}, title=f"{len(controls)} controls")
        _add_mark(frame.svg, frame.x(measured), y, kind, f"{case}: {measured:+.2f}")
    return _as_text(frame.svg)


def bars(counts: Iterable[tuple[str, int]]) -> str:
    """How many of each verdict."""
    rows = list(counts)
    most = max((count for _, count in rows), default=0) or 1
    svg = _svg(WIDTH, 2 * TOP + 30 * len(rows), "verdicts")
    for i, (name, count) in enumerate(rows):
        y, width = TOP + 30 * i, (WIDTH - NAMES - 50) * count / most
        _add(svg, "text", {"class": "name", "x": NAMES - 6, "y": y + 15}, name)
        _add(svg, "rect", {"class": f"bar {name}", "x": NAMES, "y": y, "width": width, "height": 20})
        _add(svg, "text", {"x": NAMES + width + 6, "y": y + 15}, str(count))
    return _as_text(svg)


class Frame:
    """The inside of a plot: data to pixels."""

    def __init__(
        self,
        xs: tuple[float, float],
        ys: tuple[float, float],
        name: str,
        height: int = HEIGHT,
        left: int = LEFT,
    ) -> None:
        """Ends of both axes, and what is read out."""
        self.xs, self.ys, self.height, self.left = xs, ys, height, left
        self.svg = _svg(WIDTH, height, name)

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return self.left + (WIDTH - self.left - RIGHT) * (value - self.xs[0]) / (self.xs[1] - self.xs[0])

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return TOP + (self.height - TOP - BOTTOM) * (self.ys[1] - value) / (self.ys[1] - self.ys[0])

    def add_line(
        self, x0: float, y0: float, x1: float, y1: float, kind: str, *, within: ET.Element | None = None
    ) -> None:
        """A straight line between two points of the data."""
        ends = {"x1": self.x(x0), "y1": self.y(y0), "x2": self.x(x1), "y2": self.y(y1)}
        _add(self.svg if within is None else within, "line", {"class": kind, **ends})

    def clipped(self) -> ET.Element:
        """A part of the drawing that ends at the axes."""
        clip = _add(self.svg, "clipPath", {"id": "inside"})
        size = {"width": WIDTH - self.left - RIGHT, "height": self.height - TOP - BOTTOM}
        _add(clip, "rect", {"x": self.left, "y": TOP, **size})
        return _add(self.svg, "g", {"clip-path": "url(#inside)"})

    def add_axes(self, x_name: str, y_name: str, ticks: bool = True) -> None:
        """Grid, numbers and names."""
        bottom = self.height - BOTTOM
        for value in _round_values(*self.xs):
            x = self.x(value)
            _add(self.svg, "line", {"class": "grid", "x1": x, "y1": TOP, "x2": x, "y2": bottom})
            _add(self.svg, "text", {"class": "middle", "x": x, "y": bottom + 15}, _number(value))
        for value in _round_values(*self.ys) if ticks else ():
            y = self.y(value)
            ends = {"x1": self.left, "y1": y, "x2": WIDTH - RIGHT, "y2": y}
            _add(self.svg, "line", {"class": "grid", **ends})
            _add(self.svg, "text", {"class": "name", "x": self.left - 6, "y": y + 4}, _number(value))
        middle = (self.left + WIDTH - RIGHT) / 2
        _add(self.svg, "text", {"class": "middle", "x": middle, "y": self.height - 6}, x_name)
        turned = f"translate(14,{self.height / 2:.1f}) rotate(-90)"
        _add(self.svg, "text", {"class": "middle", "transform": turned}, y_name)


def _add_mark(parent: ET.Element, x: float, y: float, kind: str, name: str) -> None:
    """A mark whose form tells the verdict where colours do not."""
    r = 4.2
    forms = {
        "supported": f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0",
        "partly": f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z",
        "refuted": f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8",
    }
    form = forms.get(kind, f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z")
    _add(parent, "path", {"class": f"mark {kind}", "d": form}, title=name)


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


def _svg(width: float, height: float, name: str) -> ET.Element:
    box = f"0 0 {width:g} {height:g}"
    return ET.Element("svg", {"viewBox": box, "role": "img", "aria-label": show_hidden(name)})


def _add(
    parent: ET.Element, tag: str, traits: dict[str, str | float], text: str = "", *, title: str = ""
) -> ET.Element:
    """An element with its attributes, numbers to a tenth of a pixel."""
    named = {name: at if isinstance(at, str) else f"{at:.1f}" for name, at in traits.items()}
    made = ET.SubElement(parent, tag, named)
    made.text = show_hidden(text) or None
    if title:
        ET.SubElement(made, "title").text = show_hidden(title)
    return made


def _as_text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")


def _empty(why: str) -> str:
    none = ET.Element("p", {"class": "none"})
    none.text = why
    return _as_text(none)


def strongest_of(card: dict[str, Any]) -> dict[str, Any] | None:
    """The test with the largest measured effect of a case."""
    return max(card["tests"], key=lambda t: abs(t["measured"]), default=None)
