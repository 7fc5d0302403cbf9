"""Attack: end the channels of a draining relay before their turn, by naming them."""

import signal

import pytest

from tests.process.processes import running_relay
from tests.security.clients import BEHIND_PROXY, Crowd
from vaultrelay.policy.limits.networks import DRAIN_CHANNELS_PER_ADDRESS, LINE_FACTOR, SITE_FACTOR

CHANNELS = 12
DRAIN_SECONDS = 600
"""In which no turn comes before the test has ended."""


@pytest.mark.parametrize(
    ("address", "factor"),
    [
        ("", 1),
        ("127.0.{}.1", 1),
        ("198.51.100.7", 1),
        ("198.51.100.{}", SITE_FACTOR),
        ("2001:db8:1:1{:02x}::1", LINE_FACTOR),
        ("2001:db8:1:{:x}00::1", SITE_FACTOR),
        ("2002:c633:6401:{:x}::1", 1),
    ],
)
def test_a_stranger_ends_few_channels(address: str, factor: float) -> None:
    options, honest = (BEHIND_PROXY, "203.0.113.1") if address else ((), "")
    with (
        running_relay("--drain-seconds", str(DRAIN_SECONDS), *options) as relay,
        Crowd(relay.port) as crowd,
    ):
        devices = [crowd.dial(proxied=honest) for _ in range(CHANNELS)]
        for vault, device in enumerate(devices):
            assert device.upgrade(vault) == 101
            assert device.join(vault, 1) == "welcome"
        relay.process.send_signal(signal.SIGTERM)
        assert {device.control()["type"] for device in devices} == {"draining"}
        for _ in range(2):
            for vault in range(CHANNELS):
                stranger = crowd.dial(proxied=address.format(vault + 1))
                assert stranger.upgrade(vault) == 503
        ended = sum(device.is_closed() for device in devices)
        relay.stop()
    assert ended == int(DRAIN_CHANNELS_PER_ADDRESS * factor)
