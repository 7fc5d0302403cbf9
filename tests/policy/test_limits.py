"""What the limits promise each other; their values are for `limits` alone to say."""

from vaultrelay.policy import limits
from vaultrelay.wire import announced, control


def test_a_silent_connection_is_pinged_before_proxies_forget_it() -> None:
    assert limits.PING_SECONDS * (1 + limits.PING_JITTER) + limits.TICK_SECONDS < 60


def test_a_dead_peer_is_found_within_75_seconds() -> None:
    jitter = limits.PING_SECONDS * limits.PING_JITTER
    assert limits.PING_SECONDS + jitter + limits.PONG_SECONDS <= 75


def test_the_usual_ping_interval_is_one_that_devices_may_ask_for() -> None:
    lowest, highest = limits.PING_RANGE
    assert lowest <= limits.PING_SECONDS <= highest


def test_the_welcome_of_a_full_channel_fits_into_the_reserve_for_control_messages() -> None:
    peers = [control.Peer(0xFFFFFFFE, b"\xff" * 8)] * limits.DEFAULT_CHANNEL_DEVICES
    told = announced.Limits(2**32, 2**32, 2**32, 2**32)
    welcome = control.Welcome(0xFFFFFFFE, tuple(peers), told, 2**32, 2**32)
    assert len(welcome.encode()) < limits.CONTROL_RESERVE
