"""Makes figures/architecture.svg, the rooms of the relay and their imports, from the code::

python docs/make_architecture.py

Floors, and the rooms that know no network, come from the contracts in setup.cfg; what a room is for
comes from the docstring of the package; arrows come from all imports, those for types alone among
them. An arrow is drawn where no longer way leads to the same room; the other imports are listed.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from html import escape
from itertools import pairwise, permutations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "vaultrelay"
TARGET = ROOT / "docs" / "figures" / "architecture.svg"

WIDTH, MARGIN = 800, 24
LANE = 26  # width of that in which an arrow passes a floor
BETWEEN, GAP = 14, 30
"""From one room to the next on a floor, and from one floor to the next."""
PADDING, LINE, LEGEND = 11, 16, 50
LETTER = 6.3  # width in the smaller texts, at most; fonts differ
PASSES = 8  # over all floors, until as few arrows cross as can be
INK, GREY, ARROW, BACKGROUND = "#1f2933", "#5b6875", "#52677d", "#fbfaf7"
CORE, OTHER = ("#e3f0e6", "#7fae8b"), ("#e7eef6", "#8fa8c4")
"""Fill and edge of rooms that know no network, and of the others."""

Graph = dict[str, set[str]]


def floors() -> list[list[str]]:
    """The rooms of each floor, from the roof down."""
    layers = _contract("floors", "layers").split("\n")
    rooms = [[name.strip() for name in layer.split("|")] for layer in layers if layer]
    folders = [[room for room in floor if (ROOT / PACKAGE / room).is_dir()] for floor in rooms]
    return [floor for floor in folders if floor]


def core() -> list[str]:
    """The rooms that may not know the network."""
    return _contract("core", "source_modules").replace(f"{PACKAGE}.", "").split()


def _contract(name: str, option: str) -> str:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser[f"importlinter:contract:{name}"][option]


def purposes() -> dict[str, str]:
    """What each room is for, from the table in the docstring of the package."""
    text = ast.get_docstring(ast.parse((ROOT / PACKAGE / "__init__.py").read_text())) or ""
    rows = re.findall(r"^``(\w+)`` +(.+)$", text, re.MULTILINE)
    return {room: purpose.replace("``", "") for room, purpose in rows}


def imports(rooms: set[str]) -> Graph:
    """The rooms that each room imports from."""
    found: Graph = {room: set() for room in sorted(rooms)}
    for room, uses in found.items():
        for path in sorted((ROOT / PACKAGE / room).rglob("*.py")):
            uses.update(rooms & set(_imported(path)))
        uses.discard(room)
    return found


def _imported(path: Path) -> Iterator[str]:
    """The rooms that one module imports from, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == PACKAGE:
                yield rest.partition(".")[0]


def reduction(graph: Graph) -> Graph:
    """The arrows without those that a longer way replaces."""

    def reach(room: str) -> set[str]:
        return {room}.union(*map(reach, graph[room]))

    return {
        room: {use for use in uses if not any(use in reach(other) for other in uses - {use})}
        for room, uses in graph.items()
    }


@dataclass
class Node:
    """A room on its floor, or the lane of an arrow that passes it (`room` is empty)."""

    room: str
    left: float = 0
    right: float = 0


@dataclass
class Drawing:
    """Floors of nodes, and the arrows from each floor to the next one."""

    layers: list[list[Node]]
    arrows: list[list[tuple[Node, Node]]]


def layered(levels: Sequence[Sequence[str]], graph: Graph) -> Drawing:
    """Give each arrow a lane on every floor that it passes."""
    level = {room: at for at, floor in enumerate(levels) for room in floor}
    nodes = {room: Node(room) for room in level}
    drawing = Drawing([[nodes[room] for room in floor] for floor in levels], [[] for _ in levels])
    for room, own in level.items():
        for use in sorted(graph[room], key=lambda use: (level[use], use)):
            lanes = [Node("") for _ in range(own + 1, level[use])]
            for layer, lane in zip(drawing.layers[own + 1 :], lanes, strict=False):
                layer.append(lane)
            chain = pairwise([nodes[room], *lanes, nodes[use]])
            for arrows, arrow in zip(drawing.arrows[own:], chain, strict=False):
                arrows.append(arrow)
    return drawing


def uncross(drawing: Drawing) -> None:
    """Order the nodes of each floor so that few arrows cross."""
    for _ in range(PASSES):
        for at, layer in enumerate(drawing.layers):
            orders = map(list, permutations(layer))
            drawing.layers[at] = min(orders, key=lambda order: _cost(drawing, at, order))


def _cost(drawing: Drawing, at: int, order: list[Node]) -> tuple[int, float]:
    """The crossings next to a floor in this order, and how far its arrows lean."""
    near = [*drawing.layers[max(at - 1, 0) : at], order, *drawing.layers[at + 1 : at + 2]]
    place = {
        id(node): (index + 0.5) / len(nodes) for nodes in near for index, node in enumerate(nodes)
    }
    crossings, lean = 0, 0.0
    for arrows in drawing.arrows[max(at - 1, 0) : at + 1]:
        ends = [(place[id(upper)], place[id(lower)]) for upper, lower in arrows]
        crossings += sum((a - c) * (b - d) < 0 for a, b in ends for c, d in ends)
        lean += sum(abs(upper - lower) for upper, lower in ends)
    return crossings, round(lean, 6)


def spread(drawing: Drawing) -> None:
    """Give the nodes of each floor its whole width."""
    for layer in drawing.layers:
        lanes = sum(not node.room for node in layer)
        free = WIDTH - 2 * MARGIN - BETWEEN * (len(layer) - 1) - LANE * lanes
        left: float = MARGIN
        for node in layer:
            node.left = left
            node.right = left + (free / (len(layer) - lanes) if node.room else LANE)
            left = node.right + BETWEEN


def picture() -> str:
    """The whole picture, as SVG."""
    levels = floors()
    graph = imports({room for floor in levels for room in floor})
    drawn = reduction(graph)
    drawing = layered(levels, drawn)
    uncross(drawing)
    spread(drawing)
    parts: list[str] = []
    bottom = MARGIN - GAP
    for layer, arrows in zip(drawing.layers, [[], *drawing.arrows], strict=False):
        top = bottom + GAP
        parts += [_arrow(*arrow, bottom, top) for arrow in arrows]
        texts = [_texts(node, graph, drawn) for node in layer]
        bottom = top + 2 * PADDING + LINE * max(map(len, texts)) - 4
        for node, lines in zip(layer, texts, strict=True):
            parts += _room(node, top, bottom, lines)
    height = int(bottom) + LEGEND
    return "\n".join([*_head(height), *parts, *_legend(int(bottom) + 20), "</svg>", ""])


def _head(height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
        f' height="{height}" font-family="sans-serif" font-size="12" fill="{INK}" role="img">',
        "<title>The rooms of the relay on their floors, and what each imports from</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"',
        f' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{ARROW}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="{BACKGROUND}"/>',
    ]


def _texts(node: Node, graph: Graph, drawn: Graph) -> list[tuple[str, str]]:
    """The lines in a room, each with its attributes."""
    if not node.room:
        return []
    width = int((node.right - node.left - 2 * PADDING) / LETTER)
    lines = [(node.room, 'font-family="monospace" font-size="15" font-weight="bold"')]
    lines += [(line, "") for line in textwrap.wrap(purposes()[node.room], width)]
    others = ", ".join(sorted(graph[node.room] - drawn[node.room]))
    if others:
        grey = f'fill="{GREY}" font-size="11"'
        lines += [(line, grey) for line in textwrap.wrap(f"also {others}", width)]
    return lines


def _room(node: Node, top: int, bottom: int, texts: list[tuple[str, str]]) -> list[str]:
    if not node.room:
        middle = (node.left + node.right) / 2
        return [f'<path d="M{middle:.1f} {top}V{bottom}" stroke="{ARROW}" fill="none"/>']
    fill, edge = CORE if node.room in core() else OTHER
    box = f'x="{node.left:.1f}" y="{top}" width="{node.right - node.left:.1f}"'
    parts = [f'<rect {box} height="{bottom - top}" rx="6" fill="{fill}" stroke="{edge}"/>']
    for index, (text, attributes) in enumerate(texts):
        at = f'x="{node.left + PADDING:.1f}" y="{top + PADDING + 12 + LINE * index}"'
        parts.append(f"<text {at} {attributes}>{escape(text)}</text>")
    return parts


def _arrow(upper: Node, lower: Node, top: int, bottom: int) -> str:
    """A vertical line where one node is above the other, else a curve between their corners."""
    (a, b), (c, d) = ((node.left + LANE / 2, node.right - LANE / 2) for node in (upper, lower))
    start, end = (b, c) if b < c else (a, d)
    if max(a, c) <= min(b, d):
        start = end = (max(a, c) + min(b, d)) / 2
    middle = (top + bottom) // 2
    tip = ' marker-end="url(#tip)"' if lower.room else ""
    path = f"M{start:.1f} {top}C{start:.1f} {middle} {end:.1f} {middle} "
    return f'<path d="{path}{end:.1f} {bottom}" stroke="{ARROW}" fill="none"{tip}/>'


def _legend(y: float) -> list[str]:
    fill, edge = CORE
    note = "Arrows are imports. All others, listed after “also”, point down, too."
    return [
        f'<rect x="{MARGIN}" y="{y}" width="14" height="14" rx="3" fill="{fill}" stroke="{edge}"/>',
        f'<text x="{MARGIN + 21}" y="{y + 11}">knows no network</text>',
        f'<text x="{WIDTH - MARGIN}" y="{y + 11}" text-anchor="end">{note}</text>',
    ]


if __name__ == "__main__":
    TARGET.write_text(picture())
