"""Failure: what a case expected of a client, and what came."""

import json

from vaultrelay.conformance.limits import MAX_SHOWN_CHARS


class Failure(Exception):
    """A client did not do what a case expects. Texts of the client are shortened and escaped."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, got {came}")
        self.expected = expected
        self.came = shown(came)


class Settled(Exception):
    """The client took another way that the page permits: the case has passed, without the rest."""


def shown(text: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """Return a client's text for a terminal: printable, and of bounded length."""
    begin = text[: longest + 1]
    if begin == text[:longest] and begin.isprintable():
        return begin
    plain = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in begin)
    cut = plain[:longest]
    return cut if cut == plain else f"{cut}…"


def as_json(value: object) -> str:
    """Return a value as it is written in the protocol between kit and adapter."""
    return json.dumps(value, ensure_ascii=False)
