"""Suggestions: the correct spelling for common mistakes in names and values of options.

Shells, environment files and other programs have their own forms of lists, quotation marks, units
and addresses.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import TypeAlias

from vaultrelay.policy.access_token import QUOTES

_LISTS = {
    "NETWORK": re.compile(r"[,; ](?!/)"),
    "URL": re.compile(r"[,; ]"),
    "ORIGIN": re.compile(r"[,; ]"),
    "NAME": re.compile(r"[,; ]"),
    # A path may contain a comma.
    "ENDPOINT": re.compile(
        r"^[,;]|[,;]$|[,;\s]\s*(?:tcp6?|ssl|tls|unix|haproxy|systemd):", re.IGNORECASE
    ),
}
"""By kind of option: what only a list has, never a single value."""
MAX_DIGITS = 15
"""Nothing longer is in any range, and int() is slow for a million digits."""
_UNITS = {
    "BYTES": {"k": 1024, "m": 1024**2, "g": 1024**3},
    "SECONDS": {"s": 1, "m": 60, "h": 3600, "d": 86_400},
}
_ALL = r"\*|any|all|everybody|everyone|anywhere"


def form_error(kind: str, values: tuple[str, ...], list_form: str, may_be_empty: bool) -> str:
    """Return the error in the form of an option's values; empty if there is none.

    `list_form` is the form of a list in their source; empty for an option with one value.
    """
    if not may_be_empty and not all(value.strip() for value in values):
        return "the value is empty; set one, or remove the option"
    for value in values:
        quotes = [end in QUOTES for end in (value[:1], value[-1:]) if end]
        if quotes and (any(quotes) if list_form else all(quotes)):
            return "the value has quotation marks, which are read as part of it; remove them"
        if list_form and kind in _LISTS and _LISTS[kind].search(value.strip()):
            # A URL may contain a token.
            shown = "the value" if kind == "URL" else f"'{value}'"
            return f"{shown} contains several values; {list_form}"
    return ""


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """Return the end of a sentence about an unknown name: the most similar known one."""
    # Most relays have no such name.
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean {form.format(close[0])}?" if close else ""


def suggest_value(kind: str, value: str) -> str:
    """Return the correction of an invalid value; empty if there is none to suggest."""
    if value != value.strip():
        return "remove the white space around it"
    for kinds, pattern, suggestion in _CORRECTIONS:
        if kind in kinds.split() and (match := re.fullmatch(pattern, value, re.IGNORECASE)):
            return suggestion if isinstance(suggestion, str) else suggestion(kind, match)
    return ""


def _in_digits(kind: str, match: re.Match[str]) -> str:
    return "write " + re.sub(r"[^0-9]", "", match[0])


def _in_base_unit(kind: str, match: re.Match[str]) -> str:
    factor = _UNITS[kind].get(match[2][0].lower())
    return f"write {int(match[1]) * factor}" if factor else ""


def _without_port(kind: str, match: re.Match[str]) -> str:
    network = match["network"] or ""
    address = (match["v6"] or match["v4"]) + network
    if not _is_network(address) or address == match[0] or (kind == "ADDRESS" and network):
        # Its meaning is invalid, not its form.
        return ""
    return f"write {address}" + (
        ", and the port with --port" if kind == "ADDRESS" and match["port"] else ""
    )


def _in_prefix_form(kind: str, match: re.Match[str]) -> str:
    numbers = match[1].split(".")
    network = f"{'.'.join([*numbers, '0', '0', '0'][:4])}/{8 * len(numbers)}"
    return f"write {network}" if _is_network(network) else ""


def _is_network(text: str) -> bool:
    try:
        return bool(ip_network(text, strict=False))
    except ValueError:
        return False


_Suggest: TypeAlias = Callable[[str, re.Match[str]], str]
_URL = r"(?:[a-z][a-z0-9+.-]*://)?{}/*"
_CORRECTIONS: tuple[tuple[str, str, str | _Suggest], ...] = (
    ("BYTES SECONDS NUMBER", r"[0-9]{1,3}(?:[,_' .][0-9]{3})+", _in_digits),
    ("BYTES", rf"([0-9]{{1,{MAX_DIGITS}}})\s*([kmg](?:i?b)?)", _in_base_unit),
    (
        "SECONDS",
        rf"([0-9]{{1,{MAX_DIGITS}}})\s*([smhd]|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?)",
        _in_base_unit,
    ),
    (
        "NUMBER",
        r"(?=.*[:/])(?:.*:[^0-9]*)?([0-9]{1,5})(?:[:/][^0-9]*)?",
        lambda kind, match: f"write only the number, such as {match[1]}",
    ),
    ("ADDRESS NETWORK", _URL.format("localhost(?::.*)?"), "write 127.0.0.1, or ::1 for IPv6"),
    ("ADDRESS", _URL.format(_ALL), "write 0.0.0.0, or :: for IPv6 and IPv4"),
    ("NETWORK", _URL.format(_ALL), "all addresses are 0.0.0.0/0 and ::/0"),
    ("NETWORK", _URL.format("unix(?::.*)?"), "write only unix, for all unix sockets"),
    (
        "ADDRESS NETWORK",
        _URL.format(
            r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<v4>[0-9]+(?:\.[0-9]+){3}))"
            r"(?P<port>:[0-9]+)?(?P<network>/[0-9]+)?"
        ),
        _without_port,
    ),
    # The beginning of an IPv4 address, as some programs name a network.
    ("NETWORK", r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(?:\.\*)*\.?", _in_prefix_form),
    (
        "ADDRESS NETWORK",
        _URL.format(r"(?=.*[a-z])[\w.-]+"),
        "write an IP address: host names are not resolved",
    ),
    ("URL", r"[\w.-]+(?::[0-9]+)?(?:/\S*)?", "add the scheme, such as wss:// or http://"),
)
"""By kinds of option: the form of a common mistake, and its correction. The first match counts."""
