"""What trials and soaks speak to a relay: many connections at once, some of them devices."""

import asyncio
import json
import secrets
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.lines import UPGRADE
from tests.frames import BINARY, CLOSE, TEXT, client_frame
from tests.transport.tls_client import lenient_context
from vaultrelay.wire import base64url
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.data import pack_data
from vaultrelay.wire.proof import channel_of, join_body, sign_join

HOST = "127.0.0.1"
UPGRADE_HEAD = UPGRADE.format(path="/", headers="X-VaultMesh-Protocol: 3\r\n").encode()
HEALTH = b"GET /health HTTP/1.1\r\nHost: relay.test\r\n\r\n"
PATIENCE_SECONDS = 60
LATE_SECONDS = 15
"""After which a join or an answer of a crowded relay counts as not had."""
_PROBE_PAUSE_SECONDS = 0.02
_TWO_BYTES, _EIGHT_BYTES = 126, 127


@dataclass(frozen=True)
class Where:
    """A relay's port, and the context for those who speak TLS to it."""

    port: int
    tls: ssl.SSLContext | None = None

    async def open(self, patience: float = PATIENCE_SECONDS) -> "Wire":
        """A new connection."""
        opening = asyncio.open_connection(HOST, self.port, ssl=self.tls)
        return Wire(*await asyncio.wait_for(opening, patience))

    async def ask(self, head: bytes = HEALTH) -> bytes:
        """The answer to a request; nothing where there is none."""
        wire = None
        try:
            wire = await self.open()
            wire.writer.write(head)
            return await asyncio.wait_for(wire.reader.read(-1), PATIENCE_SECONDS)
        except OSError:
            return b""
        finally:
            if wire is not None:
                wire.cut()

    async def join(self, seed: bytes, device: bytes, good: bool = True) -> "Wire":
        """A device that has been answered: welcomed, or closed for its bad proof."""
        wire = await self.open()
        wire.writer.write(UPGRADE_HEAD)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            raise ConnectionError(head.splitlines()[0].decode())
        _, challenge = await wire.receive()
        relay_nonce = base64url.decode(json.loads(challenge)["nonce"], 32)
        nonce, channel = secrets.token_bytes(16), channel_of(seed)
        body = join_body(relay_nonce, nonce, channel, device, "relay.test")
        proof = sign_join(seed, body) if good else secrets.token_bytes(64)
        wire.send(TEXT, Hello(channel, device, nonce, "relay.test", proof).encode())
        opcode, answer = await wire.receive()
        if good and opcode == TEXT:
            wire.session = json.loads(answer)["session"]
        elif good:
            raise ConnectionError(answer[2:].decode())
        return wire


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    session: int = 0

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a frame."""
        self.writer.write(client_frame(opcode, payload))

    def data(self, to: int, payload: bytes) -> None:
        """Send a data message."""
        self.send(BINARY, pack_data(to, self.session, 1, payload))

    async def receive(self) -> tuple[int, bytes]:
        """The next frame."""
        first, size = await self.reader.readexactly(2)
        if size == _TWO_BYTES:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == _EIGHT_BYTES:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, await self.reader.readexactly(size)

    async def leave(self) -> None:
        """Close as a device does, and wait for the end."""
        self.send(CLOSE, (1000).to_bytes(2, "big"))
        with suppress(OSError):
            await asyncio.wait_for(self.reader.read(-1), PATIENCE_SECONDS)
        self.cut()

    async def ended(self) -> None:
        """Read until the relay ends it."""
        with suppress(OSError, ssl.SSLError):
            await self.reader.read(-1)

    def cut(self) -> None:
        """Hang up without a word."""
        self.writer.transport.abort()


class Probe:
    """Does something again and again while something else happens, and tells how long it took.

    In a process of its own, which is not kept busy by what else its parent does.
    """

    def __init__(self, what: str, where: Where) -> None:
        self.seconds: list[float] = []
        self.failures = 0
        spawned = get_context("spawn")
        self._ours, theirs = spawned.Pipe()
        is_tls = where.tls is not None
        self._process = spawned.Process(target=_probe, args=(what, where.port, is_tls, theirs))

    async def __aenter__(self) -> "Probe":
        self._process.start()
        await asyncio.to_thread(self._ours.recv)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ours.send("enough")
        self.seconds, self.failures = await asyncio.to_thread(self._ours.recv)
        await asyncio.to_thread(self._process.join)

    def __str__(self) -> str:
        if len(self.seconds) < 2:  # noqa: PLR2004  what quantiles need
            return f"{len(self.seconds)} answers, {self.failures} failures"
        worst = quantiles(self.seconds, n=100)[-1]
        return (
            f"median {median(self.seconds) * 1e3:.1f} ms, 99th {worst * 1e3:.1f} ms, most "
            f"{max(self.seconds) * 1e3:.1f} ms ({len(self.seconds)} times, "
            f"{self.failures} failures)"
        )


def _probe(what: str, port: int, is_tls: bool, parent: Any) -> None:
    asyncio.run(_probing(what, Where(port, lenient_context() if is_tls else None), parent))


async def _probing(what: str, where: Where, parent: Any) -> None:
    """Ask for /health, or pass a message between two devices, until the parent has enough."""
    first, second = await pair(where)
    seconds: list[float] = []
    failures = 0
    parent.send("ready")
    while not parent.poll():
        began = time.monotonic()
        if what == "health":
            try:
                answer = await asyncio.wait_for(where.ask(), LATE_SECONDS)
            except TimeoutError:
                answer = b""
            went_well = answer.startswith(b"HTTP/1.1 200 ")
        else:
            first.data(second.session, b"x" * 64)
            while (await second.receive())[0] != BINARY:
                pass
            went_well = True
        if went_well:
            seconds.append(time.monotonic() - began)
        else:
            failures += 1
        await asyncio.sleep(_PROBE_PAUSE_SECONDS)
    parent.send((seconds, failures))
    first.cut()
    second.cut()
    await asyncio.sleep(_PROBE_PAUSE_SECONDS)


async def pair(where: Where) -> tuple[Wire, Wire]:
    """Two devices that have met."""
    seed = secrets.token_bytes(32)
    first = await where.join(seed, b"device-a")
    return first, await where.join(seed, b"device-b")


def resident_bytes(pid: int) -> int:
    """What of a process is in memory (proc(5))."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (sched-stats(5))."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
