"""What the limits promise each other; their values are for `limits` alone to say."""

from vaultrelay.policy.limits import defaults, memory, timeouts
from vaultrelay.wire import announced
from vaultrelay.wire.control.joining import Peer, Welcome


def test_a_silent_connection_is_pinged_before_proxies_forget_it() -> None:
    assert timeouts.PING_SECONDS * (1 + timeouts.PING_JITTER) + timeouts.TICK_SECONDS < 60


def test_a_dead_peer_is_found_within_75_seconds() -> None:
    jitter = timeouts.PING_SECONDS * timeouts.PING_JITTER
    assert timeouts.PING_SECONDS + jitter + timeouts.PONG_SECONDS <= 75


def test_the_usual_ping_interval_is_one_that_devices_may_ask_for() -> None:
    lowest, highest = timeouts.PING_RANGE
    assert lowest <= timeouts.PING_SECONDS <= highest


def test_the_welcome_of_a_full_channel_fits_into_the_reserve_for_control_messages() -> None:
    peers = [Peer(0xFFFFFFFE, b"\xff" * 8)] * defaults.DEFAULT_CHANNEL_DEVICES
    told = announced.Limits(2**32, 2**32, 2**32, 2**32)
    welcome = Welcome(0xFFFFFFFE, tuple(peers), told, 2**32, 2**32)
    assert len(welcome.encode()) < memory.CONTROL_RESERVE
