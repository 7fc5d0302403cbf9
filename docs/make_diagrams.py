"""Draws sequence diagrams from text, into docs/figures: python docs/make_diagrams.py"""

import re
from html import escape
from itertools import accumulate
from pathlib import Path

FIGURES = Path(__file__).with_name("figures")
MEETING = """
How two devices of a vault meet on a relay
laptop | relay | phone
laptop -> relay: upgrade to WebSocket
relay -> laptop: challenge
laptop -> relay: hello, with a proof of the key
relay -> laptop: welcome
phone -> relay: upgrade and hello, likewise
relay -> phone: welcome, with its peers
relay -> laptop: joined
laptop -> relay: data, encrypted for the phone
relay -> phone: the same bytes
- the relay forwards ciphertext, and stores nothing
phone -> relay: close
relay -> laptop: left
"""
"""A title, the parties, then an arrow or a note a line."""
JOIN = """
How a device joins its channel
device | relay | peer
device -> relay: GET with Upgrade, version and channel
relay -> device: 101, or an HTTP error and the end
- the device checks X-VaultMesh-Protocol
relay -> device: challenge, with 32 random bytes
- the device checks protocol, and signs
device -> relay: hello, with the proof
- the relay checks audience, rates, proof, room
relay -> device: welcome, or a close code and the end
relay -> peer: joined
device -> relay: data
relay -> peer: the same bytes
"""
REPLACEMENT = """
How a device replaces its own dead connection
old | relay | new | peer
- the network of the old connection is gone; the relay has not noticed
new -> relay: upgrade, and hello with the same device tag
relay -> old: close 4509 replaced
relay -> peer: left, reason replaced
relay -> peer: joined, with a new session number
relay -> new: welcome
- another installation with the same key would retry once, after 30 to 60 seconds,
- and stop after a second 4509 within ten minutes
"""
DRAIN = """
How a relay stops
device | relay | next
relay -> device: draining, closes_in 20, reconnect 2 to 12
device -> relay: the rest of its current message
- data passes until the close
relay -> device: close 4000 restart
device -> relay: the answer to the close
- the device waits for a random time from 2 to 12 seconds
device -> next: upgrade
next -> device: 101, then as any join
"""
BUSY = """
How a slow peer becomes busy, and ready again
sender | relay | peer
sender -> relay: data for the peer
relay -> peer: as much as it reads
- above 256 KiB in its queue the relay reads no more from the sender
- if the peer then takes less than 16 KiB in 5 seconds:
relay -> sender: busy
sender -> relay: data, id 41
relay -> sender: NACK busy for 41, if the queue is full
relay -> peer: the queue, down to 64 KiB
relay -> sender: ready
sender -> relay: the same payload again, id 42
relay -> peer: the same bytes
"""

WIDTH, MARGIN, ROW, HEAD = 720, 90, 34, 66
BACKGROUND, INK, GREY, LINE = "#fcfbf8", "#1d2733", "#5b6875", "#52677d"
BOX = ("#e7edf5", "#9db2c9")


def picture(text: str) -> str:
    """One diagram as SVG."""
    title, names, *lines = text.strip().splitlines()
    parties = [name.strip() for name in names.split("|")]
    step = (WIDTH - 2 * MARGIN) / (len(parties) - 1)
    at = {name: MARGIN + step * index for index, name in enumerate(parties)}
    # A note has no arrow, and takes less.
    ys = list(accumulate((ROW if ":" in line else ROW - 6 for line in lines), initial=HEAD + 14))
    height = int(ys[-1]) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
        f' height="{height}" font-family="sans-serif" font-size="13" fill="{INK}" role="img">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"',
        f' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="{BACKGROUND}"/>',
    ]
    for name, x in at.items():
        parts += _party(name, x, height)
    for line, y in zip(lines, ys[:-1], strict=True):
        parts += _row(line, y + 16, at)
    return "\n".join([*parts, "</svg>", ""])


def _party(name: str, x: float, height: int) -> list[str]:
    fill, edge = BOX
    box = f'x="{x - 55:g}" y="14" width="110" height="32" rx="6"'
    return [
        f'<path d="M{x:g} {HEAD - 20}V{height - 8}" stroke="{edge}" stroke-dasharray="3 4"/>',
        f'<rect {box} fill="{fill}" stroke="{edge}"/>',
        f'<text x="{x:g}" y="35" text-anchor="middle" font-weight="bold">{escape(name)}</text>',
    ]


def _row(line: str, y: float, at: dict[str, float]) -> list[str]:
    found = re.fullmatch(r"(\w+) -> (\w+): (.*)", line)
    if found is None:
        return _text(WIDTH / 2, y, line.removeprefix("- "), GREY)
    start, end = at[found[1]], at[found[2]]
    inset = 3 if end > start else -3
    arrow = f'<path d="M{start + inset:g} {y + 6:g}H{end - inset:g}" stroke="{LINE}"'
    return [*_text((start + end) / 2, y, found[3], INK), f'{arrow} marker-end="url(#tip)"/>']


def _text(x: float, y: float, text: str, colour: str) -> list[str]:
    # The ground of the letters hides the line that they cross.
    halo = f'stroke="{BACKGROUND}" stroke-width="5" paint-order="stroke" stroke-linejoin="round"'
    place = f'x="{x:g}" y="{y:g}" text-anchor="middle" fill="{colour}"'
    return [f"<text {place} {halo}>{escape(text, quote=False)}</text>"]


DIAGRAMS = {
    "meeting.svg": MEETING,
    "join.svg": JOIN,
    "replacement.svg": REPLACEMENT,
    "drain.svg": DRAIN,
    "busy.svg": BUSY,
}


if __name__ == "__main__":
    for name, text in DIAGRAMS.items():
        (FIGURES / name).write_text(picture(text))
