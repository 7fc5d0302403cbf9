"""Plot: one curve as SVG, of an hour or less. Its labels are HTML, so that they never stretch.

The oldest sample is on the left, the newest on the right; nan is a gap.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import floor, isnan, log10

from twisted.web.template import tags

from vaultrelay.policy.limits.admin import HISTORY_SAMPLES, HISTORY_SECONDS
from vaultrelay.web.html_page import Part, template

WIDTH, HEIGHT = 360, 100
"""Size of the drawing in arbitrary units: the page stretches it."""
HISTORY_MINUTES = HISTORY_SECONDS // 60
_PERIODS = (4, 8, 20, 40, HISTORY_MINUTES)
"""Minutes that the time axis may have, so that a quarter of each is a whole number."""
_QUARTERS = 4
_STEPS = (1, 2, 3, 4, 6, 8, 10)
"""Tops of axes, times a power of ten. Their halves are easy to read, too."""
_GRID = "".join(
    [
        *(f"M0 {y}H{WIDTH}" for y in (0, HEIGHT // 2, HEIGHT)),
        *(f"M{WIDTH * part // _QUARTERS} 0V{HEIGHT}" for part in range(_QUARTERS + 1)),
    ]
)
_FIGURE = template(f"""<figure><t:attr name="class">plot <t:slot name="curve"/></t:attr>
<figcaption><b><t:slot name="title"/></b><span><strong><t:slot name="now"/></strong>
<small>peak <t:slot name="peak"/></small></span></figcaption>
<div class="frame"><div class="heights"><t:slot name="heights"/></div>
<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"><t:attr
name="aria-label"><t:slot name="description"/></t:attr><path class="grid" d="{_GRID}"/><path
class="area"><t:attr name="d"><t:slot name="area"/></t:attr></path><path
class="line"><t:attr name="d"><t:slot name="line"/></t:attr></path></svg>
<div class="times"><t:slot name="times"/></div></div></figure>""")


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


def line_plot(plot: Plot, values: Sequence[float], period: int = HISTORY_MINUTES) -> Part:
    """Return a figure: the curve of the last `period` minutes, its latest value and peak."""
    values = values[-_samples(period) :]
    known = [value for value in values if not isnan(value)]
    now, peak = (plot.write(known[-1]), plot.write(max(known))) if known else ("no data", "unknown")
    top = _top(max([plot.minimum, *known]))
    line, area = _paths(values, top)
    minutes = [period * part // _QUARTERS for part in range(_QUARTERS, -1, -1)]
    times = [f"{minutes[0]} min ago", *(f"{each} min" for each in minutes[1:-1]), "now"]
    return Part(
        _FIGURE,
        curve=plot.curve,
        title=plot.title,
        now=now,
        peak=peak,
        description=f"{plot.title} in the last {period} minutes: {now} now, {peak} at most",
        heights=[tags.span(each) for each in (plot.write(top), plot.write(top / 2), "0")],
        times=[tags.span(each) for each in times],
        line=line,
        area=area,
    )


def _top(highest: float) -> float:
    """Return the lowest easily read number that is not below `highest`."""
    power = 10.0 ** floor(log10(highest))
    return next(step * power for step in _STEPS if step * power >= highest)


def _paths(values: Sequence[float], top: float) -> tuple[str, str]:
    """Return the paths of the line and of the area below it; a gap in the samples splits both."""
    line = area = ""
    runs = groupby(enumerate(values), key=lambda sample: isnan(sample[1]))
    for samples in (list(samples) for is_gap, samples in runs if not is_gap):
        corners = [
            f"{WIDTH * index / (len(values) - 1):.4g} {HEIGHT * (1 - value / top):.4g}"
            for index, value in samples
        ]
        # A line to its own start shows a single sample as a dot.
        path = "L".join([*corners, corners[-1]])
        line += f"M{path}"
        begin, end = (corners[at].split()[0] for at in (0, -1))
        area += f"M{begin} {HEIGHT}L{path}L{end} {HEIGHT}Z"
    return line, area
