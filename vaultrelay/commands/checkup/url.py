"""URLs as operators write them: hints for mistakes, and a form without the token."""

import re
from itertools import pairwise
from urllib.parse import parse_qsl, unquote, urlsplit

from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.addresses import read_address
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.policy.printable import printable
from vaultrelay.wire.relay_url import RelayUrl

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
    "Proxies log the URL. Write the token as its password, wss://any:TOKEN@host: then it is sent "
    "as a header."
)


def check_url(url: str) -> StepResult | None:
    """Check the URL itself. Raises CheckFailed for a token that proxies log."""
    part = token_part(url)
    if part is not None:
        raise CheckFailed(f"The {part} of the URL seems to contain a token. {_CURE}")
    parts = urlsplit(url)
    if parts.username is None:
        return None
    if parts.password is None:
        warning = OperatorWarning(
            "token_not_sent",
            "The URL has a user and no password, so no token is sent: write it as "
            "wss://any:TOKEN@host.",
        )
        return StepResult("a user without a password", {"token": False}, (warning,))
    return StepResult("the token is sent as a header, which proxies do not log", {"token": True})


def token_part(url: str) -> str | None:
    """Return the part of a URL with a suspected token that proxies would log; None if there is
    none."""
    parts = urlsplit(url)
    for part, text in (("query", parts.query), ("fragment", parts.fragment)):
        fields = parse_qsl(text, keep_blank_values=True)
        names = {name.lower() for name, _ in fields}
        if names & _TOKEN_NAMES or any(map(_is_random, [text, *(value for _, value in fields)])):
            return part
    return "path" if any(map(_is_random, parts.path.split("/"))) else None


def plaintext_warning(url: RelayUrl, addresses: list[str]) -> OperatorWarning | None:
    """Return the warning of a URL without TLS that leads beyond local networks."""
    parsed = (read_address(address) for address in addresses)
    if url.scheme == "wss" or all(address is not None and address.is_private for address in parsed):
        return None
    slug, secret = "token_in_clear", "the token"
    if url.authorization is None:
        slug, secret = "plain_in_public", "which devices communicate"
    return OperatorWarning(
        slug,
        f"Without TLS, everyone on the network path to {url.host} can read {secret}: use a wss:// "
        "URL.",
    )


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
