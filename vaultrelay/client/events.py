"""Events: what a device receives from the relay, up to the end of the connection."""

from dataclasses import dataclass

from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.data import HEADER_BYTES, Kind, Reason, read_header


class Closed(Exception):
    """The connection is over: close code and reason, 1006 without a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".strip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """Ciphertext of a peer; `to` is our session number or EVERYONE."""

    sender: int
    to: int
    id: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Nack:
    """Our message `id` did not reach `peer`; `reason` is one of Reason, or a future one."""

    peer: int
    id: int
    reason: Reason | int


Event = Message | Nack | Joined | Left | Busy | Ready | Draining | Keepalive


def read_data(message: bytes) -> Message | Nack | None:
    """Return the event in a data message of the relay; None for an unknown kind."""
    if len(message) < HEADER_BYTES:
        return None
    header = read_header(message)
    if header.flags:
        return None
    if header.kind == Kind.DATA:
        return Message(header.sender, header.to, header.id, message[HEADER_BYTES:])
    if header.kind == Kind.NACK:
        known = header.reason in Reason.__members__.values()
        return Nack(header.sender, header.id, Reason(header.reason) if known else header.reason)
    return None
