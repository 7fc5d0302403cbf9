"""Which relay of several: its name, and the URL of its admin endpoint."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from vaultrelay.policy.limits import NODE_NAME_CHARS

NODE_NAME = re.compile(rf"[A-Za-z0-9._-]{{0,{NODE_NAME_CHARS}}}")
"""What is itself in a URL, in a label, in a table and on a terminal."""
_UNIX = "unix:"


@dataclass(frozen=True)
class NodeUrl:
    """Where an admin endpoint is: http://host:port, https://host:port, or unix:/path."""

    text: str
    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def read(cls, text: str) -> "NodeUrl":
        """The parts of a URL; ValueError with what is allowed for one that is none."""
        if text.startswith(_UNIX) and text.isprintable() and text != _UNIX:
            return cls(text, "unix", "localhost", None, text.removeprefix(_UNIX))
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
            port = parts.port
        except ValueError:
            good = False
        if not good or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("must be a URL such as http://10.0.0.2:9090, or unix:/run/admin.sock")
        return cls(text, parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))

    def in_folder(self, folder: str) -> "NodeUrl":
        """The same with the path of a unix socket, if it is relative, meant in `folder`."""
        if self.scheme != "unix":
            return self
        return replace(self, path=str(Path(folder, self.path)))

    @property
    def can_be_opened(self) -> bool:
        """Whether a browser shows its page."""
        return self.scheme != "unix"
