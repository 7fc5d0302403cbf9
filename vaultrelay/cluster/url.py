"""NodeUrl: the name of one of several relays, and the URL of its admin endpoint."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from vaultrelay.policy.limits.defaults import NODE_NAME_CHARS
from vaultrelay.wire.host import DEFAULT_PORTS
from vaultrelay.wire.relay_url import split_url

NODE_NAME = re.compile(rf"[A-Za-z0-9._-]{{0,{NODE_NAME_CHARS}}}")
"""Names that need no escape in a URL, a label, a table and on a terminal."""
_UNIX = "unix:"
_SCHEMES = ("http", "https")


@dataclass(frozen=True)
class NodeUrl:
    """The URL of an admin endpoint: http://host:port, https://host:port, or unix:/path."""

    text: str
    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @classmethod
    def read(cls, text: str) -> "NodeUrl":
        """Parse a URL. Raises ValueError, with the allowed forms, if it is invalid."""
        if text.startswith(_UNIX) and text.isprintable() and text != _UNIX:
            return cls(text, "unix", "localhost", 0, "localhost", text.removeprefix(_UNIX))
        try:
            if not text.isascii() or "@" in text or " " in text:
                raise ValueError
            parts = split_url(text, _SCHEMES)
        except ValueError:
            raise ValueError(
                "must be a URL such as http://10.0.0.2:9090, or unix:/run/admin.sock"
            ) from None
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        path = parts.path.rstrip("/")
        return cls(text, parts.scheme, parts.hostname or "", port, parts.netloc, path)

    def in_folder(self, folder: str) -> "NodeUrl":
        """Return the URL with a relative path of a unix socket resolved in `folder`."""
        if self.scheme != "unix":
            return self
        return replace(self, path=str(Path(folder, self.path)))

    @property
    def can_be_opened(self) -> bool:
        """Whether a browser can open the URL."""
        return self.scheme != "unix"
