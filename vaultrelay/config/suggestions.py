"""Common mistakes in the values of options, and the correct spelling.

Shells, environment files and other programs have their own forms of lists, quotation marks, units
and addresses.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_network

_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_SEVERAL = {
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
_SIZES = {"k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"([kmg])(?:i?b)?", re.IGNORECASE)
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(s|m|h|d)|(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)ours?|(d)ays?", re.IGNORECASE)
LONGEST_NUMBER = 15
"""Digits. Nothing longer is in any range, and int() is slow for a million digits."""
_NUMBER = re.compile(rf"([0-9]{{1,{LONGEST_NUMBER}}})\s*([a-z]+)", re.IGNORECASE)
_GROUPED = re.compile(r"[0-9]{1,3}(?:[,_' .][0-9]{3})+")
_EVERYBODY = frozenset({"*", "any", "all", "everybody", "everyone", "anywhere"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(:[0-9]+)?(/[0-9]+)?")
_PART = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(?:\.\*)*\.?")
"""The beginning of an IPv4 address, as some programs name a network."""
_NAME = re.compile(r"(?=.*[A-Za-z])[\w.-]+")
_NO_SCHEME = re.compile(r"[\w.-]+(?::[0-9]+)?/?")


def complaint(kind: str, values: tuple[str, ...], several: str, may_be_empty: bool) -> str:
    """Return what is wrong with the form of an option's values; empty if nothing.

    `several` is the form of a list in their source; empty for an option with one value.
    """
    if not may_be_empty and not all(value.strip() for value in values):
        return "is empty; give it a value, or leave it out"
    for value in values:
        ends = [end in _QUOTES for end in (value[:1], value[-1:]) if end]
        if ends and (any(ends) if several else all(ends)):
            return "has quotation marks, which are part of the value there; take them out"
        if several and kind in _SEVERAL and _SEVERAL[kind].search(value.strip()):
            # A URL may contain a token.
            which = "" if kind == "URL" else f"'{value}' "
            return f"{which}has several values in one; {several}"
    return ""


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """Return the end of a sentence about an unknown name: the most similar known one."""
    # Most relays have no such name.
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean {form.format(close[0])}?" if close else ""


def hint(kind: str, value: str) -> str:
    """Return the correction of an invalid value; empty if there is none to suggest."""
    if value != value.strip():
        return "take out the white space around it"
    if kind in ("BYTES", "SECONDS", "NUMBER"):
        return _plain_number(kind, value)
    if kind in ("ADDRESS", "NETWORK"):
        return _plain_address(kind, value)
    if kind == "URL" and _NO_SCHEME.fullmatch(value):
        return "put the scheme before it"
    return ""


def _plain_number(kind: str, text: str) -> str:
    if _GROUPED.fullmatch(text):
        return "write " + re.sub(r"[^0-9]", "", text)
    found = _NUMBER.fullmatch(text)
    if found:
        pattern, factors = {"BYTES": (_SIZE, _SIZES), "SECONDS": (_SPAN, _SPANS)}.get(
            kind, (_SIZE, {})
        )
        factor = pattern.fullmatch(found[2]) and factors.get(found[2][0].lower())
        return f"write {int(found[1]) * factor}" if factor else ""
    ports = re.findall(r"[0-9]{1,5}", text) if kind == "NUMBER" and re.search("[:/]", text) else []
    return f"write the number alone, such as {ports[-1 if ':' in text else 0]}" if ports else ""


def _plain_address(kind: str, text: str) -> str:
    bare = _SCHEME.sub("", text).rstrip("/").lower()
    if bare.partition(":")[0] == "localhost":
        return "write 127.0.0.1, or ::1 for IPv6"
    if bare in _EVERYBODY:
        return "write 0.0.0.0, or ::" if kind == "ADDRESS" else "all are 0.0.0.0/0 and ::/0"
    if bare.partition(":")[0] == "unix" and kind == "NETWORK":
        return "write unix alone, for all unix sockets"
    found = _WITH_PORT.fullmatch(bare)
    if found and _is_network(address := (found[1] or found[2]) + (found[4] or "")):
        if address == text or (kind == "ADDRESS" and found[4]):
            # Its meaning is invalid, not its form.
            return ""
        return f"write {address}" + (
            ", and the port with --port" if kind == "ADDRESS" and found[3] else ""
        )
    found = _PART.fullmatch(text)
    if found and kind == "NETWORK":
        numbers = found[1].split(".")
        network = f"{'.'.join([*numbers, '0', '0', '0'][:4])}/{8 * len(numbers)}"
        return f"write {network}" if _is_network(network) else ""
    return "write an address: names are not looked up" if _NAME.fullmatch(bare) else ""


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
