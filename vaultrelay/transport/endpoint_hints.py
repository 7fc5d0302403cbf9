"""Hints on invalid endpoint strings: the correct form of notations of other programs."""

import re

_HOST_AND_PORT = re.compile(
    r"(?:(?:tcp6?|https?|wss?):(?://)?)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost|\*)?:(?P<port>[0-9]{1,5})/?",
    re.IGNORECASE,
)
"""A host and port as in URLs, Docker and most programs."""
_EVERYWHERE = frozenset({"", "*", "0.0.0.0", "[::]"})  # noqa: S104  a spelling
_VALUE = r"((?:(?!:\w+=).)*)"
"""The text up to the next named part."""
_BARE_COLON = re.compile(r"(?<!\\):")


def correction(text: str) -> str:
    """Return the correction as the end of a sentence; empty if there is none."""
    if text.isdecimal() and text.isascii():
        return f"; write tcp:{text}"
    if text.startswith("/"):
        return f"; write unix:{text}"
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        return ""
    host = (found["host"] or "").lower()
    kind = "tcp6" if ":" in host else "tcp"
    address = "127.0.0.1" if host == "localhost" else _escaped(host.strip("[]"))
    interface = "" if host in _EVERYWHERE else f":interface={address}"
    return f"; write {kind}:{found['port']}{interface}"


def colon_hint(rest: str, name: str = "") -> str:
    """Return how to escape the colons in a value, as the end of a sentence; empty without colons.

    `name` is the name of the part with the value; the first part has none.
    """
    before = f"{name}=" if name else ""
    found = re.search(f"(?:^|:){re.escape(before)}{_VALUE}", rest)
    value = found[1].strip("[]") if found else "::1"
    if not _BARE_COLON.search(value):
        return ""
    return (
        f": a colon within a value needs a backslash before it, such as {before}{_escaped(value)}"
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", r"\:")
