"""URLs with tokens: the valid place of a token, and a form of the URL without it."""

import re
from itertools import pairwise
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.result import CheckFailed, Found
from vaultrelay.logs import printable
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.operator_warning import OperatorWarning

_TOKEN_NAMES = frozenset(
    {"access_token", "api_key", "apikey", "auth", "key", "password", "secret", "token"}
)
_RANDOM_CHARS = 20
_RANDOM_CHANGES = 5
"""Between digits, small and capital letters. Words have few, and twenty random characters have six
or more, in hexadecimal too."""
_SHOWN_CHARS = 500
"""Of a URL, which may be that of a redirect."""
_CHAR_CLASSES = re.compile(r"([0-9]+)|([a-z]+)|([A-Z]+)")
_CURE = (
    "Proxies write the URL into their logs. Put the token where a password stands, "
    "wss://any:TOKEN@host: it travels as a header there."
)


def look_at_url(url: str) -> Found | None:
    """Check the URL itself. Raises CheckFailed for a token that proxies log."""
    place = token_place(url)
    if place is not None:
        raise CheckFailed(f"There seems to be a token in the {place} of the URL. {_CURE}")
    parts = urlsplit(url)
    if parts.username is not None and parts.password is None:
        warning = OperatorWarning(
            "token_not_sent",
            "The URL has a user and no password, so no token is sent: write it as "
            "wss://any:TOKEN@host.",
        )
        return Found("a user without a password", {"token": False}, (warning,))
    if parts.password is None:
        return None
    return Found("the token travels as a header, which proxies do not log", {"token": True})


def token_place(url: str) -> str | None:
    """Return the part of a URL with a suspected token that proxies would log; None if there is
    none."""
    parts = urlsplit(url)
    for place, text in (("query", parts.query), ("fragment", parts.fragment)):
        fields = parse_qsl(text, keep_blank_values=True)
        names = {name.lower() for name, _ in fields}
        if names & _TOKEN_NAMES or any(map(_is_random, [text, *(value for _, value in fields)])):
            return place
    return "path" if any(map(_is_random, parts.path.split("/"))) else None


def in_clear(url: RelayUrl, addresses: list[str]) -> OperatorWarning | None:
    """Return the warning of a URL without TLS that leads beyond local networks."""
    near = (read_address(address) for address in addresses)
    if url.scheme == "wss" or all(address is not None and address.is_private for address in near):
        return None
    if url.authorization is None:
        return OperatorWarning(
            "plain_in_public",
            f"Without TLS, anyone on the way to {url.host} sees which devices talk: use a wss:// "
            "URL.",
        )
    return OperatorWarning(
        "token_in_clear",
        f"Without TLS, anyone on the way to {url.host} reads the token: use a wss:// URL.",
    )


def has_token(url: str) -> bool:
    """Return whether a token is in its valid place."""
    return bool(urlsplit(url).password)


def with_token(url: str, token: str) -> str:
    """Return the URL with a token in the place of its password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"any:{quote(token, safe='')}@{host}").geturl()


def shown(url: str) -> str:
    """Return the URL for display, without user, query, fragment and suspected tokens."""
    scheme, separator, rest = url.partition("://")
    # A malformed token can make a URL end, or begin, too early.
    rest = rest.rpartition("@")[2] if separator else scheme.rpartition("@")[2]
    rest = rest.partition("?")[0].partition("#")[0]
    segments = ["***" if _is_random(segment) else segment for segment in rest.split("/")]
    whole = (scheme + separator if separator else "") + "/".join(segments)
    return printable(whole[:_SHOWN_CHARS])


def _is_random(text: str) -> bool:
    text = unquote(text)
    kinds = [found.lastindex for found in _CHAR_CLASSES.finditer(text)]
    changes = sum(before != after for before, after in pairwise(kinds))
    return len(text) >= _RANDOM_CHARS and changes >= _RANDOM_CHANGES
