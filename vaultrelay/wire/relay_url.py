"""RelayUrl: the URL under which devices reach a relay."""

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from vaultrelay.wire.host import DEFAULT_PORTS, canonical_host, host_port

_PATH_CHARS = "/%:@!$&'()*+,;=~"
"""Those that need no escape in a path (RFC 3986, section 3.3), and escapes."""
_QUERY_CHARS = _PATH_CHARS + "?"
_SCHEMES = ("ws", "wss")


@dataclass(frozen=True)
class RelayUrl:
    """The parts of wss://[any:TOKEN@]host[:port][/path][?query]; `host` is the canonical one."""

    scheme: str
    host: str
    port: int
    path: str = "/"
    authorization: str | None = field(default=None, repr=False)
    query: str = field(default="", repr=False)
    """With its question mark. A load balancer may use it; the relay ignores it."""

    @classmethod
    def read(cls, text: str) -> "RelayUrl":
        """Parse a URL. Raises ValueError, with a sentence, if it is invalid."""
        parts = split_url(text, _SCHEMES)
        authorization = None
        if parts.password is not None:
            user = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
            authorization = "Basic " + b64encode(user.encode()).decode("ascii")
        return cls(
            parts.scheme,
            canonical_host(parts.hostname or ""),
            parts.port or DEFAULT_PORTS[parts.scheme],
            quote(parts.path or "/", safe=_PATH_CHARS),
            authorization,
            f"?{quote(parts.query, safe=_QUERY_CHARS)}" if parts.query else "",
        )

    @property
    def authority(self) -> str:
        """Host and port, in the form of the Host header."""
        return host_port(self.host, self.port)

    def page(self, name: str) -> str:
        """Return the path of one of the relay's pages."""
        return f"{self.path.rstrip('/').removesuffix('/v3')}/{name}"

    def __str__(self) -> str:
        """Return the URL without token, default port and empty path."""
        authority = self.authority.removesuffix(f":{DEFAULT_PORTS[self.scheme]}")
        return f"{self.scheme}://{authority}{self.path if self.path != '/' else ''}"


def split_url(text: str, schemes: Collection[str]) -> SplitResult:
    """Return the parts of a URL. Raises ValueError, with a sentence, if it has another scheme, no
    host, or no port that can be dialled."""
    # urlsplit() drops some control characters, and parses the port only when asked.
    parts = urlsplit(text)
    if not text.isprintable() or parts.scheme not in schemes or not parts.hostname:
        raise ValueError("it is not a URL like wss://relay.example.org")
    if parts.port == 0:
        raise ValueError("port 0 cannot be dialled")
    return parts


def host_of_url(url: str) -> str:
    """Return the canonical host of a public URL such as wss://relay.example.org, or of a bare host
    name.

    Raises ValueError, with a sentence, if it has no host.
    """
    if "*" in url:
        raise ValueError("a pattern is not a name that a device can dial")
    if "://" not in url:
        return canonical_host(url)
    return canonical_host(split_url(url, DEFAULT_PORTS).hostname or "")


def has_token(url: str) -> bool:
    """Return whether a URL has a token, as its password."""
    return bool(urlsplit(url).password)


def with_token(url: str, token: str) -> str:
    """Return the URL with a token as its password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"any:{quote(token, safe='')}@{host}").geturl()
