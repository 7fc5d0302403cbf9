"""Control messages of the mailbox. A relay without one does not import this module.

Of those of the relay only `live` and `erased` differ from channel to channel: it can encode all
others once.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from vaultrelay.wire import base64url
from vaultrelay.wire.control import CURSOR_BYTES, WORD_CHARS
from vaultrelay.wire.control.from_device import FromDevice, device_fields, read_fields
from vaultrelay.wire.json_object import Fields, write_object


class State(StrEnum):
    """The states of a device's stream of items."""

    OPEN = "open"
    LIVE = "live"
    AWAY = "away"
    ROOM = "room"


class Gap(StrEnum):
    """What a device cannot get any more although it has not seen it."""

    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MailboxState:
    """Relay to device: a state of its stream. `state` is one of State, or a future one.

    `gap` is one of Gap, a future one, or None, and belongs to OPEN; `cursor` belongs to LIVE.
    """

    type: ClassVar = "mailbox"
    state: str
    gap: str | None = None
    cursor: bytes | None = None

    def encode(self) -> bytes:
        fields: dict[str, object] = {}
        if self.state == State.OPEN:
            fields["gap"] = self.gap
        elif self.state == State.LIVE:
            fields["cursor"] = _optional_text(self.cursor)
        return write_object(self.type, state=self.state, **fields)

    @classmethod
    def read(cls, fields: Fields) -> "MailboxState":
        state = fields.text("state", WORD_CHARS)
        if state == State.OPEN:
            return cls(state, gap=fields.optional_text("gap", WORD_CHARS))
        if state == State.LIVE:
            return cls(state, cursor=fields.optional_binary("cursor", CURSOR_BYTES))
        return cls(state)


@dataclass(frozen=True, slots=True)
class Erase:
    """Device to relay: delete the items up to `cursor`, included; None stands for all."""

    type: ClassVar = "erase"
    cursor: bytes | None = None

    def encode(self) -> bytes:
        # A device omits what it does not have.
        cursor = {} if self.cursor is None else {"cursor": base64url.encode(self.cursor)}
        return write_object(self.type, **cursor)

    @classmethod
    def read(cls, fields: Fields) -> "Erase":
        return cls(fields.binary("cursor", CURSOR_BYTES) if "cursor" in fields else None)


@dataclass(frozen=True, slots=True)
class Erased:
    """Relay to device: the items up to `cursor` are deleted; None if an `erase` deleted nothing."""

    type: ClassVar = "erased"
    cursor: bytes | None

    def encode(self) -> bytes:
        return write_object(self.type, cursor=_optional_text(self.cursor))

    @classmethod
    def read(cls, fields: Fields) -> "Erased":
        return cls(fields.optional_binary("cursor", CURSOR_BYTES))


def read_with_mailbox(text: bytes) -> FromDevice | Erase:
    """Return a device's control message, as a relay with a mailbox reads it.

    Raises BadControl if JSON, shape or type is wrong.
    """
    fields = device_fields(text)
    is_erase = fields.text("type", WORD_CHARS) == Erase.type
    return Erase.read(fields) if is_erase else read_fields(fields)


def _optional_text(cursor: bytes | None) -> str | None:
    return None if cursor is None else base64url.encode(cursor)
