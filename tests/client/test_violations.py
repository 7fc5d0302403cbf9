"""What a device does with a relay that breaks the protocol, and what it does not send itself."""

from typing import Any

import pytest

from tests.client.world import World
from tests.frames import TEXT, client_frame
from vaultrelay.client import Closed, Device, Left
from vaultrelay.client.connection import CLOSE_SECONDS
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.control.joining import Challenge, Welcome
from vaultrelay.wire.json_object import write_object

NOT_JSON = client_frame(TEXT, b"{", masked=False)
MESSAGE = client_frame(TEXT, write_object("busy", session=9), masked=False)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def device(world: World) -> Device:
    return world.join(b"device-a")


def test_a_violation_is_closed_with_its_code(world: World, device: Device) -> None:
    other = world.join(b"device-b")
    world.next(device)
    device._socket.dataReceived(NOT_JSON)
    world.network.flush()
    # A relay says that of a close, and "lost" of an end without one.
    assert world.next(other) == Left(device.session, "closed")
    with pytest.raises(Closed) as closed:
        world.next(device)
    assert closed.value.code == 1002


def test_nothing_is_read_after_a_violation(world: World, device: Device) -> None:
    device._socket.dataReceived(NOT_JSON + MESSAGE)
    world.network.flush()
    with pytest.raises(Closed):
        world.next(device)


def test_a_relay_that_reads_no_close_is_cut_off(
    world: World, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    aborted: list[bool] = []
    transport: Any = device._socket.transport
    monkeypatch.setattr(transport, "abortConnection", lambda: aborted.append(True))
    device._socket.dataReceived(NOT_JSON)
    assert not aborted
    world.clock.advance(CLOSE_SECONDS)
    assert aborted


def test_a_device_that_gives_up_does_not_wait_for_the_relay_to_read_its_close(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    aborted: list[bool] = []
    transport: Any = device._socket.transport
    device._socket.dataReceived(NOT_JSON)
    monkeypatch.setattr(transport, "abortConnection", lambda: aborted.append(True))
    device.abort()
    assert aborted


def test_a_welcome_needs_a_hello(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    welcome = Welcome(7, (), Limits(1024, None, None, 2), 50, 3600).encode()
    monkeypatch.setattr(Challenge, "encode", lambda self: welcome)
    with pytest.raises(Closed, match="a welcome without a hello"):
        world.join(b"device-a")


def test_a_device_sends_nothing_to_itself(device: Device) -> None:
    for to in (device.session, 0):
        with pytest.raises(ValueError, match="not a peer"):
            device.send(b"hello", to)
