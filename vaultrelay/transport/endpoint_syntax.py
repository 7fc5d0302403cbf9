"""Parts of an endpoint string: values between colons, some with a name and an equals sign."""

import re

_PIECE = re.compile(r"(?:[^\\:=]|\\.)*", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_VALUE = re.compile(r"(?:[^\\:]|\\.)*", re.DOTALL)


def split_parts(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the positional values, in order, and the named values.

    A backslash escapes the character after it, as in Twisted's quoteStringArgument. The last value
    of a repeated name counts. Raises ValueError if nothing follows a backslash.
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
