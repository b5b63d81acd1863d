"""The curve of each scene as one SVG: accuracy over labels, swaps marked, and the labels that no training knew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from relearn.scripts.dev.bench.learn.curve import Point
from relearn.scripts.dev.bench.learn.watch import Sample, Swap

_WIDTH, _LEFT, _RIGHT = 900, 70, 24
_TITLE, _UPPER, _BETWEEN, _LOWER, _BELOW = 98, 300, 34, 90, 62
_HEIGHT = _TITLE + _UPPER + _BETWEEN + _LOWER + _BELOW
_TICKS = 6
#: Swaps closer to each other than this, in pixels, have their numbers one below the other.
_APART = 16
# Colours that differ in lightness, too, on white and on black.
_STYLE = """
.page { fill: #ffffff }
text { fill: #1f2328; font: 13px system-ui, sans-serif }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 11px }
.axis { stroke: #59636e; fill: none } .grid { stroke: #d1d9e0; fill: none }
.champion { stroke: #0550ae; stroke-width: 2.5; fill: none }
.reference { stroke: #bc4c00; stroke-width: 1.5; fill: none } .dot { fill: #bc4c00 }
.swap { stroke: #0550ae; stroke-dasharray: 2 4; fill: none } .number { fill: #0550ae; font-size: 11px }
.untrained { stroke: #6639ba; stroke-width: 1.5; fill: #6639ba; fill-opacity: 0.15 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .axis { stroke: #9198a1 } .grid { stroke: #2f353d }
.champion, .swap { stroke: #79c0ff } .number { fill: #79c0ff } .reference { stroke: #ffa657 } .dot { fill: #ffa657 }
.untrained { stroke: #d2a8ff; fill: #d2a8ff }
}
"""


@dataclass(frozen=True, slots=True)
class Plot:
    """One scene's curve. `swaps`: every activation of a champion, the first model's too."""

    title: str
    detail: str
    points: Sequence[Point]
    samples: Sequence[Sample]
    swaps: Sequence[Swap]


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to pixels. `high` is above `low`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        step = _step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, int(self.high / step + 1e-9) + 1)]


def chart(plots: Sequence[Plot]) -> str:
    """An SVG of all plots, one below the other; readable on light and on dark pages."""
    size = f'width="{_WIDTH}" height="{_HEIGHT * len(plots)}" viewBox="0 0 {_WIDTH} {_HEIGHT * len(plots)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(_label(plots))}>'
    page = '<rect class="page" width="100%" height="100%"/>'
    drawn = [f'<g transform="translate(0 {i * _HEIGHT})">\n{_scene(plot)}\n</g>' for i, plot in enumerate(plots)]
    return "\n".join([head, f"<style>{_STYLE}</style>", page, *drawn, "</svg>", ""])


def _label(plots: Sequence[Plot]) -> str:
    return "; ".join(f"accuracy over labels: {plot.title}" for plot in plots)


def _scene(plot: Plot) -> str:
    parts = [_text(_LEFT, 24, plot.title, "title"), _text(_LEFT, 44, plot.detail), *_legend()]
    if not plot.points:
        return "\n".join([*parts, _text(_LEFT, 120, "no labels came")])
    most = max(plot.points[-1].labels, 1)
    x = _Axis(0, most, _LEFT, _WIDTH - _RIGHT)
    shares = [share for one in plot.points for share in (one.accuracy, one.reference)]
    low, high = math.floor(min(shares) * 50) / 50, math.ceil(max(shares) * 100) / 100
    y = _Axis(low, max(high, low + 0.01), _TITLE + _UPPER, _TITLE)
    bottom = _TITLE + _UPPER + _BETWEEN + _LOWER
    behind = _Axis(0, max(*(one.untrained for one in plot.samples), 1), bottom, bottom - _LOWER)
    parts += _frame(x, y, lambda value: f"{100 * value:g} %", _TITLE + _UPPER)
    parts += _frame(x, behind, _count, bottom)
    parts += [_text(x.at(value), bottom + 18, _count(value), anchor="middle") for value in x.ticks()]
    length = f"{plot.samples[-1].at_s:.0f} s"
    parts.append(_text((_LEFT + _WIDTH) / 2, bottom + 40, f"labels stored ({length} in all)", anchor="middle"))
    parts.append(_text(_LEFT, _TITLE - 8, "right on held-back records", "small"))
    parts.append(_text(_LEFT, bottom - _LOWER - 8, "labels known to no training", "small"))
    parts += _swaps(plot, x)
    area = [(x.at(one.labels), behind.at(one.untrained)) for one in plot.samples]
    parts.append(_line("untrained", [(area[0][0], behind.start), *area, (area[-1][0], behind.start)]))
    parts.append(_line("reference", [(x.at(one.labels), y.at(one.reference)) for one in plot.points]))
    parts += [f'<circle class="dot" cx="{x.at(o.labels)}" cy="{y.at(o.reference)}" r="3"/>' for o in plot.points]
    parts.append(_line("champion", list(_steps(plot, x, y))))
    return "\n".join(parts)


def _steps(plot: Plot, x: _Axis, y: _Axis) -> Iterator[tuple[float, float]]:
    """The champion's accuracy is constant between two swaps; a champion that no point knows is left out."""
    right = {one.champion: one.accuracy for one in plot.points}
    served = [one for one in plot.swaps if one.version in right]
    for one, following in zip(served, [*served[1:], None], strict=True):
        height = y.at(right[one.version])
        yield x.at(one.labels), height
        yield x.at(plot.points[-1].labels if following is None else following.labels), height


def _swaps(plot: Plot, x: _Axis) -> Iterator[str]:
    """A dashed line per swap, with the version that came."""
    taken = [-math.inf, -math.inf]
    for one in plot.swaps:
        at = x.at(one.labels)
        row = 0 if at - taken[0] >= _APART or taken[0] <= taken[1] else 1
        taken[row] = at
        height = _TITLE + _UPPER - 4 - 12 * row
        tip = f"<title>model {one.version}, {max(one.at_s, 0):.0f} s, {one.labels:,} labels</title>"
        line = f'<path class="swap" d="M{at} {_TITLE}V{_TITLE + _UPPER}"/>'
        yield f'<g data-version="{one.version}">{tip}{line}{_text(at + 3, height, str(one.version), "number")}</g>'


def _frame(x: _Axis, y: _Axis, words: Callable[[float], str], bottom: float) -> Iterator[str]:
    for value in y.ticks():
        yield f'<path class="grid" d="M{x.start} {y.at(value)}H{x.end}"/>'
        yield _text(_LEFT - 8, y.at(value) + 4, words(value), anchor="end")
    yield f'<path class="axis" d="M{x.start} {y.end}V{bottom}H{x.end}"/>'


def _legend() -> Iterator[str]:
    at = _LEFT
    for name, words in (
        ("champion", "champion"),
        ("reference", "scikit-learn on all labels so far"),
        ("swap", "swap, with the new model's number"),
    ):
        yield f'<path class="{name}" d="M{at} 62h26"/>'
        yield _text(at + 32, 66, words)
        at += 60 + 7 * len(words)


def _line(name: str, at: Sequence[tuple[float, float]]) -> str:
    return f'<path class="{name}" d="M{" L".join(f"{x} {y}" for x, y in at)}"/>'


def _text(x: float, y: float, words: str, name: str = "", *, anchor: str = "start") -> str:
    css = f' class="{name}"' if name else ""
    return f'<text x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}"{css}>{escape(words)}</text>'


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
