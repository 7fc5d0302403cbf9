"""Syntax of endpoint strings: values between colons, some with a name and an equals sign."""

import re

_PART = re.compile(r"(?:^|:)(?:(?P<name>(?:[^\\:=]|\\.)*)=)?(?P<value>(?:[^\\:]|\\.)*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class BadEndpoint(ValueError):
    """An endpoint string is invalid; the text is the reason, as the end of a sentence."""


def split_parts(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the positional values, in order, and the named values.

    A backslash escapes the character after it, as in Twisted's quoteStringArgument. The last value
    of a repeated name counts. Raises ValueError if nothing follows a backslash.
    """
    if _PART.sub("", text):
        raise ValueError(text)
    unnamed: list[str] = []
    named: dict[str, str] = {}
    for found in _PART.finditer(text) if text else ():
        value = _ESCAPED.sub(r"\1", found["value"])
        if found["name"] is None:
            unnamed.append(value)
        else:
            named[_ESCAPED.sub(r"\1", found["name"])] = value
    return unnamed, named
