"""DrainSequence: devices are told and closed in time, no new one comes in, then nothing is left."""

import json
from typing import Any

import pytest

from tests.frames import close_frame
from tests.memory import UPGRADE, Relay
from vaultrelay.policy.limits.drain import (
    ABORT_DRAIN_SECONDS,
    LAST_ANSWERS_SECONDS,
    LAST_ANSWERS_TICK_SECONDS,
)
from vaultrelay.policy.limits.timeouts import CLOSE_SECONDS

pytestmark = pytest.mark.usefixtures("bound")


@pytest.fixture
def relay() -> Relay:
    return Relay(drain_seconds=20)


def answer(relay: Relay, path: str, **headers: str) -> dict[str, Any]:
    """The JSON body of an answer."""
    body = relay.connect().request(path, **headers).partition(b"\r\n\r\n")[2]
    told: dict[str, Any] = json.loads(body)
    return told


def drain(relay: Relay) -> list[None]:
    done: list[None] = []
    relay.service.startService()
    relay.service.stopService().addCallback(done.append)
    return done


def test_an_empty_relay_stops_at_once(relay: Relay) -> None:
    assert drain(relay) == [None]
    assert relay.clock.getDelayedCalls() == []


def test_a_request_that_has_begun_is_answered_first(relay: Relay) -> None:
    slow = relay.connect()
    slow.send(b"GET /health HTTP/1.1\r\n")
    done = drain(relay)
    slow.send(b"Host: a\r\n\r\n")
    assert slow.taken().startswith(b"HTTP/1.1 200 OK\r\n")
    relay.clock.advance(LAST_ANSWERS_TICK_SECONDS)
    assert done == []
    slow.protocol.connectionLost()
    relay.clock.advance(LAST_ANSWERS_TICK_SECONDS)
    assert done == [None]
    assert relay.clock.getDelayedCalls() == []


def test_a_silent_connection_holds_up_the_end_for_a_moment_only(relay: Relay) -> None:
    relay.connect()
    done = drain(relay)
    relay.clock.advance(LAST_ANSWERS_SECONDS)
    assert done == [None]


def test_devices_are_told_and_closed_in_time(relay: Relay) -> None:
    devices = [relay.join(seed=bytes([number]) * 32) for number in range(4)]
    for device in devices:
        device.frames()
    done = drain(relay)
    assert devices[0].control() == {
        "type": "draining",
        "reason": "restart",
        "closes_in": 20,
        "reconnect": [2, 12],
    }
    relay.clock.pump([0.1] * 110)
    assert relay.broker.joined == 2
    relay.clock.pump([0.1] * 100)
    assert relay.broker.joined == 0
    assert not done
    for device in devices:
        assert device.closed_with() == (4000, "restart")
        device.hang_up()
    assert done == [None]


def test_new_upgrades_get_503_and_health_stays_up(relay: Relay) -> None:
    relay.join()
    drain(relay)
    upgrade = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    assert answer(relay, "/", **upgrade)["error"] == "draining"
    assert answer(relay, "/health")["status"] == "draining"
    assert relay.connect().request("/ready").startswith(b"HTTP/1.1 503 ")
    relay.service.devices.abort_all()


def test_unjoined_connections_are_closed_at_once(relay: Relay) -> None:
    member, unjoined = relay.join(), relay.connect()
    unjoined.upgrade()
    drain(relay)
    assert unjoined.closed_with() == (4000, "restart")
    assert member.transport.connected


def test_a_peer_that_lingers_does_not_hold_up_the_end(relay: Relay) -> None:
    wire = relay.join()
    done = drain(relay)
    relay.clock.pump([0.1] * 10 * (20 + CLOSE_SECONDS + 1))
    assert wire.transport.aborted
    wire.hang_up()
    assert done == [None]


def test_an_aborted_drain_closes_all_at_once_and_cuts_off_those_that_do_not_answer(
    relay: Relay,
) -> None:
    polite, rude = relay.join(b"device-a"), relay.join(b"device-b", seed=bytes(32))
    done = drain(relay)
    relay.service.abort_drain()
    assert polite.closed_with() == rude.closed_with() == (4000, "restart")
    polite.send(close_frame(4000))
    polite.hang_up()
    assert not rude.transport.aborted
    relay.clock.advance(ABORT_DRAIN_SECONDS)
    assert rude.transport.aborted
    rude.hang_up()
    relay.clock.advance(1)
    assert done == [None]


def test_an_abort_called_again_cuts_all_off_that_are_left(relay: Relay) -> None:
    wire = relay.join()
    done = drain(relay)
    relay.service.abort_drain()
    assert not wire.transport.aborted
    relay.service.abort_drain()
    assert wire.transport.aborted
    wire.hang_up()
    relay.clock.advance(1)
    assert done == [None]


def test_the_abort_may_come_before_the_drain(relay: Relay) -> None:
    """Two signals in one moment: the second is handled before the reactor stops."""
    wire = relay.join()
    relay.service.abort_drain()
    assert wire.frames() == []
    done = drain(relay)
    assert wire.closed_with() == (4000, "restart")
    relay.clock.advance(ABORT_DRAIN_SECONDS)
    assert wire.transport.aborted
    wire.hang_up()
    relay.clock.advance(1)
    assert done == [None]


def test_the_last_session_ends_before_the_relay_has_stopped(relay: Relay) -> None:
    """Its line and its share in the sums are in the log of a relay that still runs."""
    wire = relay.join()
    done = drain(relay)
    wire.hang_up()
    assert not relay.broker.sessions
    assert done == []
    relay.clock.advance(0)
    assert done == [None]
