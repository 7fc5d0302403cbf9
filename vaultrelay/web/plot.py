"""Plot: one curve as SVG, of an hour or less. Its labels are HTML, so that they never stretch.

The oldest sample is on the left, the newest on the right; nan is a gap.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, isnan, log10

from vaultrelay.policy.limits import HISTORY_SAMPLES, HISTORY_SECONDS

WIDTH, HEIGHT = 360, 100
"""Size of the drawing in arbitrary units: the page stretches it."""
HISTORY_MINUTES = HISTORY_SECONDS // 60
_PERIODS = (4, 8, 20, 40, HISTORY_MINUTES)
"""Minutes that the time axis may have, so that a quarter of each is a whole number."""
_QUARTERS = 4
_STEPS = (1, 2, 3, 4, 6, 8, 10)
"""Tops of axes, times a power of ten. Their halves are easy to read, too."""


@dataclass(frozen=True)
class Plot:
    """A curve's title, and the format of its values.

    `least` is the lowest top of its axis: values far below it are drawn as a flat line.
    """

    curve: str
    title: str
    write: Callable[[float], str]
    minimum: float


def shown_minutes(curves: Iterable[Sequence[float]]) -> int:
    """Return the shortest period with all known samples; a relay that just started has few."""
    first = (
        next((at for at, value in enumerate(curve) if not isnan(value)), len(curve))
        for curve in curves
    )
    unknown = min(first, default=0)
    return next(each for each in _PERIODS if HISTORY_SAMPLES - unknown <= _samples(each))


def _samples(minutes: int) -> int:
    return HISTORY_SAMPLES * minutes // HISTORY_MINUTES


def line_plot(plot: Plot, values: Sequence[float], period: int = HISTORY_MINUTES) -> str:
    """Return a figure: the curve of the last `period` minutes, its latest value and peak."""
    values = values[-_samples(period) :]
    known = [value for value in values if not isnan(value)]
    now, peak = (plot.write(known[-1]), plot.write(max(known))) if known else ("no data", "unknown")
    top = _top(max([plot.minimum, *known]))
    line, area = _paths(values, top)
    words = f"{plot.title} in the last {period} minutes: {now} now, {peak} at most"
    minutes = [period * part // _QUARTERS for part in range(_QUARTERS, -1, -1)]
    times = [f"{minutes[0]} min ago", *(f"{each} min" for each in minutes[1:-1]), "now"]
    heights = [plot.write(top), plot.write(top / 2), "0"]
    across = "".join(f"M0 {y}H{WIDTH}" for y in (0, HEIGHT // 2, HEIGHT))
    down = "".join(f"M{WIDTH * part // _QUARTERS} 0V{HEIGHT}" for part in range(_QUARTERS + 1))
    return (
        f'<figure class="plot {plot.curve}"><figcaption><b>{escape(plot.title)}</b>'
        f"<span><strong>{now}</strong> <small>peak {peak}</small></span></figcaption>"
        f'<div class="frame"><div class="heights">{_spans(heights)}</div>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}"><path class="grid" d="{across}{down}"/>'
        f'<path class="area" d="{area}"/><path class="line" d="{line}"/></svg>'
        f'<div class="times">{_spans(times)}</div></div></figure>'
    )


def _top(maximum: float) -> float:
    """Return the lowest easily read number that is not below `maximum`."""
    power = 10.0 ** floor(log10(maximum))
    return next(step * power for step in _STEPS if step * power >= maximum)


def _paths(values: Sequence[float], top: float) -> tuple[str, str]:
    """Return the paths of the line and of the area below it; a gap in the samples splits both."""
    line, area = [], []
    for stretch in _stretches(values):
        corners = [
            f"{WIDTH * index / (len(values) - 1):.4g} {HEIGHT * (1 - value / top):.4g}"
            for index, value in stretch
        ]
        # A line to its own start shows a single sample as a dot.
        way = "L".join([*corners, corners[-1]])
        line.append(f"M{way}")
        begin, end = (corners[at].split()[0] for at in (0, -1))
        area.append(f"M{begin} {HEIGHT}L{way}L{end} {HEIGHT}Z")
    return "".join(line), "".join(area)


def _stretches(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    found: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if not isnan(value):
            found[-1].append((index, value))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _spans(texts: Sequence[str]) -> str:
    return "".join(f"<span>{escape(text)}</span>" for text in texts)
