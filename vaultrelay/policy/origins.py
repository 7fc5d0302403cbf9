"""Origins: the web pages that may connect.

A browser sends the origin of the page that opens a WebSocket (RFC 6454), and a page cannot forge
it. Without a list, every website could connect from the network of its user.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vaultrelay.wire.host import DEFAULT_PORTS, MAX_PORT, canonical_host

NULL = "null"
"""The origin of sandboxed frames, and in some browsers of files (RFC 6454, section 7.1)."""
_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(\[[^\]]*\]|[^\s:/?#@\[\]]*)(?::([0-9]{1,5}))?")
_ANY_HOST = "*"


@dataclass(frozen=True)
class Origins:
    """Serialized origins, and schemes that include all of their origins."""

    origins: frozenset[str] = frozenset()
    schemes: frozenset[str] = frozenset()

    @classmethod
    def read(cls, texts: Iterable[str]) -> "Origins":
        """Return the origins in texts: origins, `null`, or `scheme://*` for all of a scheme.

        Raises ValueError, with a sentence, for any other text.
        """
        listed = [_read_listed(text) for text in texts]
        patterns = {text for text in listed if text.endswith(f"//{_ANY_HOST}")}
        return cls(
            frozenset(listed) - patterns,
            frozenset(pattern.partition(":")[0] for pattern in patterns),
        )

    def __bool__(self) -> bool:
        return bool(self.origins or self.schemes)

    def __str__(self) -> str:
        return " ".join(sorted([*self.origins, *(f"{each}://*" for each in self.schemes)]))

    def __contains__(self, origin: str) -> bool:
        """Return whether a serialized origin is listed."""
        return origin in self.origins or origin.partition("://")[0] in self.schemes


def serialized_origin(text: str) -> str:
    """Return an origin serialized by RFC 6454, section 6.2: scheme and host in lower case, the port
    unless it is the scheme's default.

    Raises ValueError if `text` is not an origin.
    """
    if text == NULL:
        return text
    parts = _ORIGIN.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not an origin")
    scheme, host, port = parts[1].lower(), parts[2], int(parts[3] or 0)
    # A name with a dot at its end is another origin; a file has no host.
    if host.endswith(".") or "*" in host or port > MAX_PORT:
        raise ValueError(f"{text!r} is not an origin")
    if host or scheme != "file":
        host = canonical_host(host)
    if ":" in host:
        host = f"[{host}]"
    is_usual = parts[3] is None or port == DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{port}"


def origin_of(header: str) -> str:
    """Return the serialized origin in an Origin header; empty, which is never listed, if it is
    invalid."""
    try:
        return serialized_origin(header) if header.isascii() else ""
    except ValueError:
        return ""


def _read_listed(text: str) -> str:
    scheme, separator, host = text.partition("://")
    if host == _ANY_HOST and _ORIGIN.fullmatch(f"{scheme}://"):
        return text.lower()
    if scheme.lower() in ("ws", "wss"):
        raise ValueError(f"{text!r} is the URL of a relay; an origin is that of a web page, https:")
    try:
        return serialized_origin(text)
    except ValueError:
        meant = f"{scheme}://{host.partition('/')[0]}" if separator else f"https://{text}"
        hint = f"; did you mean {meant}?" if origin_of(meant) else ""
        raise ValueError(
            f"{text!r} is not an origin such as https://app.example.org, null, or https://* for "
            f"every website{hint}"
        ) from None
