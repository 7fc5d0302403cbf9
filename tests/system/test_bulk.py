"""Two devices pass a file of 100 MB in both directions at once, through a relay process."""

from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults

from tests.authority import issue, write_pair
from tests.process.processes import running_relay
from vaultrelay.client import Device, Message, connect

FILE_BYTES = 100_000_000
CHUNK_BYTES = 256 * 1024
NO_RATES = ("--rate-messages", "0", "--rate-bytes", "0")


@pytest.fixture(params=["ws", "wss"])
def relay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """The URL of a relay, and what to trust there."""
    if request.param == "ws":
        with running_relay(*NO_RATES) as running:
            yield f"ws://localhost:{running.port}", None
    else:
        issued = issue(["localhost"])
        certificate, key = write_pair(tmp_path, issued)
        tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
        with running_relay(*NO_RATES, *tls) as running:
            yield f"wss://localhost:{running.port}", issued.pem


def file(seed: int) -> Iterator[bytes]:
    """The chunks of a file whose every chunk differs."""
    block = sha256(seed.to_bytes(4, "big")).digest() * (CHUNK_BYTES // 32)
    for start in range(0, FILE_BYTES, CHUNK_BYTES):
        chunk = start.to_bytes(8, "big") + block[8:]
        yield chunk[: FILE_BYTES - start]


async def send_file(device: Device, to: int, seed: int) -> None:
    for chunk in file(seed):
        device.send(chunk, to=to)
        await device.room()


async def receive_file(device: Device) -> str:
    """The digest of a file that comes in messages, nothing else between them."""
    digest, left = sha256(), FILE_BYTES
    async for payload in payloads(device):
        digest.update(payload)
        left -= len(payload)
        if left <= 0:
            break
    assert left == 0
    return digest.hexdigest()


async def payloads(device: Device) -> AsyncIterator[bytes]:
    while True:
        event = await device.receive()
        assert isinstance(event, Message), event
        yield event.payload


@pytest_twisted.ensureDeferred
async def test_both_files_arrive_equal(relay: tuple[str, Any]) -> None:
    from twisted.internet import reactor

    url, trust = relay
    seed = bytes(32)
    clock: Any = reactor
    first = await connect(clock, url, seed, b"device-a", trust)
    second = await connect(clock, url, seed, b"device-b", trust)
    await first.receive()
    work = [
        send_file(first, second.session, 1),
        send_file(second, first.session, 2),
        receive_file(first),
        receive_file(second),
    ]
    *_, at_first, at_second = await gatherResults([ensureDeferred(each) for each in work])
    expected = [sha256(b"".join(file(seed))).hexdigest() for seed in (2, 1)]
    assert [at_first, at_second] == expected
    await first.close()
    await second.close()
