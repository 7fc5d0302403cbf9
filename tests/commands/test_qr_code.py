"""QR codes as text: read back from what is printed."""

import io

import pytest
import segno

from vaultrelay.commands.qr_code import qr_lines

TEXT = "wss://any:" + "x" * 43 + "@relay.example.org"
MODULES = [
    [bool(dark) for dark in row] for row in segno.make_qr(TEXT, error="m").matrix_iter(border=4)
]
LIGHT_ABOVE, LIGHT_BELOW = "█▀", "█▄"


def out(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_half_blocks_are_the_light_modules_of_two_rows() -> None:
    lines = qr_lines(TEXT, out("utf-8"), coloured=False)
    rows = []
    for line in lines:
        rows += [
            [half not in LIGHT_ABOVE for half in line],
            [half not in LIGHT_BELOW for half in line],
        ]
    # An odd number of rows leaves half a line, which is light as the margin is.
    assert rows[: len(MODULES)] == MODULES
    assert not any(any(row) for row in rows[len(MODULES) :])


def test_with_colours_the_blocks_are_the_dark_ones() -> None:
    plain = qr_lines(TEXT, out("utf-8"), coloured=False)
    coloured = qr_lines(TEXT, out("utf-8"), coloured=True)
    start, end = "\033[38;5;16;48;5;231m", "\033[0m"
    assert all(line.startswith(start) and line.endswith(end) for line in coloured)
    turned = str.maketrans("█▀▄ ", " ▄▀█")
    drawn = [line.removeprefix(start).removesuffix(end) for line in coloured]
    assert drawn == [line.translate(turned) for line in plain]


@pytest.mark.parametrize("coloured", [False, True])
def test_without_unicode_it_is_drawn_in_ascii(coloured: bool) -> None:
    lines = qr_lines(TEXT, out("ascii"), coloured)
    assert [
        [pair == "  " for pair in map("".join, zip(line[::2], line[1::2], strict=True))]
        for line in lines
    ] == MODULES
