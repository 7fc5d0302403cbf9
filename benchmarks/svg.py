"""Line charts as SVG: panels side by side, each line named at its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Points = list[tuple[float, float]]
COLOURS = (
    "#c8102e",
    "#1f5fa8",
    "#2e8540",
    "#8a5a00",
    "#6a3d9a",
    "#00798c",
    "#555555",
    "#d0558f",
    "#3c3c8c",
    "#a0522d",
)
"""The first is the relay's. All are dark enough for text on white."""
WIDTH, HEIGHT, TOP = 520, 420, 50
LEFT, RIGHT, ABOVE, BELOW = 64, 112, 40, 56
"""What a panel keeps free around its axes; names of lines stand on the right."""
LETTERS = 15
"""Between the middles of two names."""
TICKS = 5


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `powers` makes both logarithmic."""

    title: str
    lines: dict[str, Points]
    x_title: str
    y_title: str
    x_ticks: dict[int, str] | dict[float, str]
    powers: bool


def chart(title: str, panels: Sequence[Panel], names: Sequence[str]) -> str:
    """All panels, where each name has the same colour."""
    width, height = WIDTH * len(panels), TOP + HEIGHT
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"',
        f' height="{height}" font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(width / 2, 28, title, "middle", 'font-size="17" font-weight="bold"'),
    ]
    for index, panel in enumerate(panels):
        parts.append(f'<g transform="translate({WIDTH * index} {TOP})">')
        parts += _panel(panel, colours)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, colours: dict[str, str]) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BELOW
    parts = [_text((LEFT + right) / 2, 20, panel.title, "middle", 'font-weight="bold"')]
    values = [y for points in panel.lines.values() for _, y in points]
    if not values:
        return [*parts, _text((LEFT + right) / 2, HEIGHT / 2, "not measured", "middle")]
    ticks = _powers(values) if panel.powers else _round_steps(max(values))
    x_at = _scale(min(panel.x_ticks), max(panel.x_ticks), LEFT + 12, right, panel.powers)
    y_at = _scale(ticks[0], ticks[-1], bottom, ABOVE, panel.powers)
    for tick in ticks:
        at = y_at(tick)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, at + 4, f"{tick:g}", "end"))
    for value, name in panel.x_ticks.items():
        parts.append(_text(x_at(value), bottom + 20, name, "middle"))
    parts.append(f'<path d="M{LEFT} {ABOVE}V{bottom}H{right}" stroke="#222" fill="none"/>')
    parts.append(_text((LEFT + right) / 2, HEIGHT - 12, panel.x_title, "middle"))
    middle = (ABOVE + bottom) / 2
    turned = f'transform="rotate(-90 18 {middle})"'
    parts.append(_text(18, middle, panel.y_title, "middle", turned))
    ends = {name: y_at(points[-1][1]) for name, points in panel.lines.items()}
    heights = _apart(ends)
    for name, points in panel.lines.items():
        colour, thick = colours[name], 3 if name.startswith("relay") else 1.5
        corners = [(x_at(x), y_at(y)) for x, y in points]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
        parts.append(
            f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="{thick}"'
            ' stroke-linejoin="round"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in corners]
        x, y = corners[-1]
        at = heights[name]
        lead = f"M{x + 4:.1f} {y:.1f}L{right + 18} {at:.1f}"
        parts.append(f'<path d="{lead}" stroke="{colour}" stroke-width="0.7"/>')
        bold = ' font-weight="bold"' if name.startswith("relay") else ""
        parts.append(_text(right + 22, at + 4, name, "start", f'fill="{colour}"{bold}'))
    return parts


def _scale(
    low: float, high: float, first: float, last: float, powers: bool
) -> Callable[[float], float]:
    """Where a value stands between two coordinates."""

    def measure(value: float) -> float:
        return log10(value) if powers else value

    def at(value: float) -> float:
        share = (measure(value) - measure(low)) / ((measure(high) - measure(low)) or 1)
        return first + share * (last - first)

    return at


def _powers(values: Sequence[float]) -> list[float]:
    """Powers of ten around all values."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _round_steps(maximum: float) -> list[float]:
    """From zero in about `TICKS` steps of 1, 2 or 5 times a power of ten."""
    rough = maximum / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [step * index for index in range(ceil(maximum / step) + 1)]


def _apart(wanted: dict[str, float]) -> dict[str, float]:
    """Heights for names as near as can be to the wanted ones, and none over another."""
    order = sorted(wanted, key=lambda name: wanted[name])
    heights: dict[str, float] = {}
    below: float = HEIGHT - BELOW + LETTERS
    for name in reversed(order):
        below = heights[name] = min(wanted[name], below - LETTERS)
    above: float = ABOVE - LETTERS
    for name in order:
        above = heights[name] = max(heights[name], above + LETTERS)
    return heights


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(words)}</text>'
