"""A device's connection is an Outbox, and counts what it holds for a device that does not read."""

import pytest

from tests.frames import BINARY, CLOSE, PING, client_frame
from tests.memory import Relay, Wire
from tests.outbox_contract import OutboxContract, message
from vaultrelay.broker.outbox import Outbox, Room
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.data import pack_data

MOST = 64 * 1024


class RealCase:
    """The connection of a device that has joined a relay in memory."""

    def __init__(self) -> None:
        self.relay = Relay(limits=SessionLimits(message_bytes=MOST))
        self.wire = self.relay.join()
        (channel,) = self.relay.broker.channels.values()
        self.outbox: Outbox = channel.sessions[self.wire.session].outbox

    def fill(self, room: Room) -> None:
        self.wire.fill_up()
        sizes = [1024] * 64 if room is Room.HIGH else [16 * 1024] * 64
        while self.outbox.deliver([message(0, sizes.pop())]) < room:
            sizes = sizes or [1024]
        if room is Room.FULL:
            # Up to the last byte, so that a small message is too much, too.
            while self.outbox.deliver([message(0)]) is not Room.FULL:
                pass

    def empty(self) -> None:
        self.wire.empty()

    def taken(self) -> list[bytes]:
        return [frame.payload for frame in self.wire.frames() if frame.opcode not in (CLOSE, PING)]


class TestTheReal(OutboxContract):
    @pytest.fixture
    def case(self) -> RealCase:
        return RealCase()


def held(receiver: Wire) -> int:
    """The bytes that the relay queued for a device."""
    return len(receiver.transport.value())


def test_the_message_that_fills_the_buffer_counts() -> None:
    """The kernel's buffer has little room, and one message may be many times as large."""
    maximum = 1024 * 1024
    relay = Relay(limits=SessionLimits(message_bytes=maximum))
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    second.transport.capacity = 64 * 1024
    large = client_frame(BINARY, pack_data(second.session, first.session, 1, bytes(maximum - 16)))
    small = client_frame(BINARY, pack_data(second.session, first.session, 2, bytes(20_000)))
    # What one read brings is sent together, and taken though it is more than fits.
    first.send(large + small)
    assert not first.is_read
    assert held(second) == len(large) + len(small) - 2 * len("mask")
    second.empty()
    assert first.is_read
    assert [frame.opcode for frame in second.frames()] == [BINARY, BINARY]
    assert first.frames() == [], "nothing was refused"
