"""Case: one behaviour of a client, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How binding a case is: the words of RFC 2119, or the kind of client that it is for."""

    MUST = "must"
    SHOULD = "should"
    BROWSER = "browser"
    PHONE = "phone"
    MAILBOX = "mailbox"


PLATFORMS = ("native", "browser", "phone")
FEATURES = (
    "clock",
    "dial",
    "idn",
    "keepalive",
    "mailbox",
    "network",
    "reconnect",
    "resend",
    "suspend",
    "tls",
    "token",
    "wake",
)
"""What a client may lack. A case that needs it is then not applicable."""


@dataclass(frozen=True)
class Step:
    """One step: a verb, and its arguments."""

    verb: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A case with its name, which stays the same in later versions of the kit.

    `section` is the heading of the protocol page that requires the behaviour. `platforms` are
    those to which it applies, and `needs` the features without which it cannot be played.
    """

    name: str
    level: Level
    section: str
    about: str
    steps: tuple[Step, ...] = field(repr=False)
    needs: frozenset[str] = frozenset()
    platforms: tuple[str, ...] = PLATFORMS

    @property
    def page(self) -> str:
        """The page that has the section."""
        name = "protocol-mailbox" if self.level is Level.MAILBOX else "protocol"
        return f"docs/{name}.rst"

    def obstacle(self, platform: str, supports: Iterable[str]) -> str:
        """Return the reason why the case does not apply to a client; empty if it does."""
        if platform not in self.platforms:
            return f"not for a client on {platform}"
        missing = sorted(self.needs.difference(supports))
        return f"the client has no {', '.join(missing)}" if missing else ""
