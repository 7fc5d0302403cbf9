"""IdleDisconnects: a timeout of a proxy shows as the same idle time again and again."""

import pytest

from tests.broker.fakes import Relay
from vaultrelay.broker.idle_disconnects import IdleDisconnects
from vaultrelay.policy.limits.diagnosis import SILENCES_KEPT


def after(*seconds: float) -> float | None:
    disconnects = IdleDisconnects()
    for each in seconds:
        disconnects.add(each)
    return disconnects.timeout()


def test_nothing_is_seen_in_nothing() -> None:
    assert after() is None
    assert after(30, 30, 30, 30) is None


def test_the_same_silence_again_and_again_is_a_timeout() -> None:
    assert after(30, 30.5, 29.5, 31, 30) == 30


def test_others_among_them_do_not_hide_it() -> None:
    assert after(3, 60, 60, 600, 60, 60, 17, 61) == 60


@pytest.mark.parametrize(
    "seconds",
    [
        (0, 0, 0, 0, 0, 0, 0),  # clients that go as soon as they came
        (10, 20, 30, 40, 50, 60, 70),
        (30, 30, 30, 30, 30, 5, 10, 15, 20, 25, 40),
    ],
)
def test_chance_is_no_timeout(seconds: tuple[float, ...]) -> None:
    assert after(*seconds) is None


def test_what_was_long_ago_is_forgotten() -> None:
    assert after(*[30] * 10, *[float(n * 7) for n in range(SILENCES_KEPT)]) is None


def test_a_session_that_is_lost_is_noted_and_one_that_closes_is_not() -> None:
    relay = Relay()
    for tag in range(1, 7):
        device = relay.join(tag)
        device.outbox.received_since_tick = device.outbox.sent_since_tick = True
        relay.wait(30)
        device.session.connection_lost(clean=tag == 6)
    assert len(relay.broker.idle_disconnects._seconds) == 5
    assert relay.broker.idle_disconnects.timeout() == pytest.approx(30, abs=1)
