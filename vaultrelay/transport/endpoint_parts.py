"""The parts of an endpoint string: values between colons, some named before an equals sign."""

import re

_PIECE = re.compile(r"(?:[^\\:=]|\\.)*", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_VALUE = re.compile(r"(?:[^\\:]|\\.)*", re.DOTALL)


def split_parts(text: str) -> tuple[list[str], dict[str, str]]:
    """Returns the values without a name, in order, and those that have one.

    A backslash makes the character after it one of the value, as Twisted's quoteStringArgument
    does. Of a name that stands twice the last value counts. Raises ValueError if nothing follows a
    backslash.
    """
    unnamed: list[str] = []
    named: dict[str, str] = {}
    at = 0
    while text:
        found = _PIECE.match(text, at)
        end = found.end() if found else at
        piece = _unescaped(text[at:end])
        if text[end : end + 1] == "=":
            value = _VALUE.match(text, end + 1)
            at, end = end + 1, value.end() if value else end + 1
            named[piece] = _unescaped(text[at:end])
        else:
            unnamed.append(piece)
        if end == len(text):
            break
        if text[end] != ":":
            raise ValueError(text)
        at = end + 1
    return unnamed, named


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
