"""Who ends a silence: the proxy whose limit is short, or nobody, as the relay pings."""

from pathlib import Path

import pytest

from tests.obstacles.device import Device, Gone
from tests.system.fronts import HAPROXY, HAPROXY_PROXY_PROTOCOL, NGINX, Kind, front

WITH_IDLE_LIMIT = [NGINX, HAPROXY, HAPROXY_PROXY_PROTOCOL]
"""The others keep an upgraded connection for as long as both sides do."""


@pytest.mark.parametrize("kind", WITH_IDLE_LIMIT, ids=str)
def test_a_proxy_that_cuts_silence_early_loses_the_device(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, idle="3s") as proxy:
        device = Device(proxy.port, b"device-a", tls=proxy.tls())
        with pytest.raises(Gone) as gone:
            device.event()
        assert gone.value.code == 1006
        device.close()
        again = Device(proxy.port, b"device-b", tls=proxy.tls())
        if again.welcome["peers"]:
            # The proxy told the device first.
            assert again.control("left")["reason"] == "lost"
        again.close()


@pytest.mark.parametrize("kind", WITH_IDLE_LIMIT, ids=str)
def test_pings_keep_a_device_through_a_proxy_that_waits_longer(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, idle="25s") as proxy:
        device = Device(proxy.port, b"device-a", tls=proxy.tls())
        device.say(type="keepalive", ping_seconds=20)
        device.control("keepalive")
        device.wait_for_pings(2)
        device.say(type="keepalive", ping_seconds=20)
        device.control("keepalive")
        device.close()
