"""What all targets share: a breach that python -O keeps, and how a stream is cut."""

from collections.abc import Iterator


class Breach(Exception):
    """The relay did what it must never do."""


def check(holds: bool, otherwise: str) -> None:
    """Raise Breach where something does not hold."""
    if not holds:
        raise Breach(otherwise)


def reading_in_pieces(data: bytes) -> Iterator[bytes]:
    """`data` in pieces whose sizes follow from its own length, so that each case is repeatable."""
    step = 1 + len(data) * 7919 % 61
    size = step if len(data) < 4096 else 1500
    for start in range(0, len(data), size):
        yield data[start : start + size]
