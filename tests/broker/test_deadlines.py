"""The deadline of the hello. Those of queues and silence are tested with what they measure."""

import pytest

from tests.broker.fakes import Relay
from vaultrelay.policy.limits.timeouts import HELLO_SECONDS, STANDSTILL_SECONDS


@pytest.fixture
def relay() -> Relay:
    return Relay()


def test_no_hello_in_time_closes(relay: Relay) -> None:
    device = relay.connect()
    relay.wait(HELLO_SECONDS - 1)
    device.session.ping_received()
    device.outbox.received_since_tick = True
    assert device.closed() == ""
    relay.wait(1)
    assert device.closed() == "4003 hello_timeout;rule=no_hello"


def test_a_hello_that_began_in_time_is_not_enough(relay: Relay) -> None:
    device = relay.connect()
    device.outbox.partial_bytes = 100
    relay.wait(HELLO_SECONDS)
    assert device.closed() == "4003 hello_timeout;rule=partial_hello"


def test_a_hello_in_the_last_moment_is_in_time(relay: Relay) -> None:
    device = relay.connect()
    relay.wait(HELLO_SECONDS - 1)
    device.join()
    relay.wait(HELLO_SECONDS)
    assert device.closed() == ""


def test_time_in_which_the_relay_stood_still_is_not_missing_for_the_hello(relay: Relay) -> None:
    device = relay.connect()
    relay.wait(HELLO_SECONDS - 1)
    relay.clock.advance(STANDSTILL_SECONDS + HELLO_SECONDS)
    relay.broker.tick()
    assert device.closed() == ""
    relay.wait(1)
    assert device.closed() == "4003 hello_timeout;rule=no_hello"
