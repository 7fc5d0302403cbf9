"""QR codes as text, for a terminal, a file, or whatever shows the output."""

from typing import TextIO

import segno

from vaultrelay.app.standard_streams import can_encode

_BLACK_ON_WHITE = "\033[38;5;16;48;5;231m"
_PLAIN = "\033[0m"
_HALVES = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""Two modules above each other by whether they are dark, drawn in the colour of the light ones:
most terminals are dark."""
_TURNED = {"█": " ", "▀": "▄", "▄": "▀", " ": "█"}


def qr_lines(text: str, out: TextIO, coloured: bool) -> list[str]:
    """Return the code of `text` with its margin, as lines that `out` can encode."""
    code = segno.make_qr(text, error="m")
    modules = [[int(dark) for dark in row] for row in code.matrix_iter(border=4)]
    if not can_encode(out, "█▀▄"):
        return ["".join("  " if dark else "##" for dark in row) for row in modules]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    lines = [
        "".join(_HALVES[pair] for pair in zip(above, below, strict=True))
        for above, below in zip(modules[::2], modules[1::2], strict=True)
    ]
    if not coloured:
        return lines
    # With colours of its own it does not depend on the terminal's.
    turned = ["".join(_TURNED[half] for half in line) for line in lines]
    return [f"{_BLACK_ON_WHITE}{line}{_PLAIN}" for line in turned]
