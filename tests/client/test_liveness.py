"""Whether the relay still responds: silence, and the answer to a probe."""

from typing import Any

import pytest

from tests.client.world import URL, World
from tests.memory import SEED
from vaultrelay.client import Closed, Connection, Device, Ended, Keepalive, Opened
from vaultrelay.client.liveness import PROBE_SECONDS


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def device(world: World) -> Device:
    return world.join(b"device-a")


def pass_without_network(world: World, seconds: float) -> None:
    """Let time pass while nothing arrives."""
    world.clock.pump([1.0] * int(seconds))


def test_a_relay_that_answers_a_probe_is_alive(world: World, device: Device) -> None:
    device.probe()
    assert device.is_suspect
    assert world.next(device) == Keepalive(device.ping_seconds)
    assert not device.is_suspect
    pass_without_network(world, 2 * PROBE_SECONDS)
    device.send(b"still here")


def test_a_relay_that_does_not_is_left(world: World, device: Device) -> None:
    device.probe()
    pass_without_network(world, PROBE_SECONDS - 1)
    # A second probe does not lengthen the first one.
    device.probe()
    pass_without_network(world, 1)
    world.network.flush()
    with pytest.raises(Closed):
        world.next(device)
    assert device.is_suspect
    with pytest.raises(Closed):
        device.probe()


def test_what_is_not_read_may_contain_the_answer(world: World, device: Device) -> None:
    device._socket.is_reading = False
    device.probe()
    pass_without_network(world, 2 * PROBE_SECONDS)
    device.send(b"still here")


def test_a_probe_after_a_long_sleep_does_not_wait(world: World, device: Device) -> None:
    clock: Any = world.clock
    clock.rightNow += 2 * device.ping_seconds
    device.probe()
    world.network.flush()
    with pytest.raises(Closed):
        world.next(device)


def test_a_connection_whose_session_died_dials_at_once(world: World) -> None:
    connection = Connection(world.clock, URL, SEED, b"device-a", endpoint=world.network)
    connection.keep_alive(300)
    opening: Any = world.start(connection.receive())
    for _ in range(3):
        world.clock.advance(0)
        world.network.flush()
    opened = opening.result
    assert isinstance(opened, Opened)
    asked = world.start(connection.receive())
    assert asked.result == Keepalive(300)
    connection.woke()
    ended = world.start(connection.receive())
    # The answer arrives, and after it no time is too long.
    assert ended.result == Keepalive(300)
    opened.device.probe()
    pass_without_network(world, PROBE_SECONDS)
    over: Any = world.start(connection.receive())
    assert isinstance(over.result, Ended)
    assert over.result.retry_seconds == 0


def test_the_answer_to_an_earlier_request_is_no_sign_of_life(world: World, device: Device) -> None:
    device.keep_alive(300)
    device.probe()
    device._liveness.answered(300)
    assert device.is_suspect
    device._liveness.answered(300)
    assert not device.is_suspect


def test_what_was_not_asked_for_is_no_answer(world: World, device: Device) -> None:
    device._liveness.answered(100)
    assert device.ping_seconds == 100
    device.probe()
    assert device.is_suspect
