"""Devices that meet behind proxies: upgrades, pages, refusals, and who ends a silence."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.obstacles.device import Device, Gone
from tests.obstacles.proxies import KINDS, Front, Kind, front

LARGEST = bytes(range(256)) * 4096
"""With its header it is more than a message may be, so what is sent is without its end."""


@pytest.fixture(params=KINDS, ids=str)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    with front(request.param, tmp_path) as there:
        yield there


def join(proxy: Front, tag: bytes) -> Device:
    return Device(proxy.port, tag, tls=proxy.tls)


def ask(proxy: Front, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection = (
        http.client.HTTPConnection("localhost", proxy.port)
        if proxy.tls is None
        else http.client.HTTPSConnection("localhost", proxy.port, context=proxy.tls)
    )
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_devices_meet_and_pass_the_largest_message_both_ways(proxy: Front) -> None:
    first, second = join(proxy, b"device-a"), join(proxy, b"device-b")
    payload = LARGEST[:-16]
    first.data(payload)
    assert second.payload() == payload
    second.data(payload)
    assert first.payload() == payload
    second.close()
    assert first.control("left")["reason"] in {"lost", "closed"}
    first.close()


def test_pages_and_refusals_come_through(proxy: Front) -> None:
    assert json.loads(ask(proxy, "/health")[1])["status"] == "ok"
    assert ask(proxy, "/")[0] == 200
    assert ask(proxy, "/nothing-here")[0] == 404
    status, body = ask(proxy, "/", **{"X-VaultMesh-Protocol": "3"})
    assert status == 400
    assert json.loads(body)["error"] == "bad_request"


@pytest.mark.parametrize("kind", [Kind("haproxy"), Kind("haproxy", "tcp"), Kind("nginx")], ids=str)
def test_a_proxy_that_cuts_silence_early_loses_the_device(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, idle="2s") as proxy:
        device = join(proxy, b"device-a")
        with pytest.raises(Gone) as gone:
            device.event()
        assert gone.value.code == 1006
        again = join(proxy, b"device-b")
        if again.welcome["peers"]:
            # The proxy told the device first.
            assert again.control("left")["reason"] == "lost"
        again.close()


@pytest.mark.parametrize("kind", [Kind("haproxy"), Kind("nginx")], ids=str)
def test_pings_keep_a_device_through_a_proxy_that_waits_longer(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, idle="25s") as proxy:
        device = join(proxy, b"device-a")
        device.say(type="keepalive", ping_seconds=20)
        device.control("keepalive")
        device.wait_for_pings(2)
        device.say(type="keepalive", ping_seconds=20)
        device.control("keepalive")
        device.close()
