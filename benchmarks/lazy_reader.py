"""What a device that reads nothing costs the relay: 1 GB is pushed to it, and RSS is watched.

::

    python -m benchmarks.lazy_reader [BYTES [MAX_BUFFER]]
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import LoopingCall, react

from tests.process.processes import RunningRelay, running_relay
from vaultrelay.client import Busy, Device, Left, Nack, connect

PUSHED_BYTES = 1_000_000_000
CHUNK_BYTES = 256 * 1024
WATCH_SECONDS = 0.1
SEED = bytes(32)


class Push:
    """One device that pushes, and one that reads nothing."""

    def __init__(self, relay: RunningRelay, size: int) -> None:
        self.relay = relay
        self.size = size
        self.nacks: Counter[str] = Counter()
        self.growth = 0

    async def run(self, reactor: Any) -> None:
        url = f"ws://localhost:{self.relay.port}"
        sender = await connect(reactor, url, SEED, b"sender--")
        lazy = await connect(reactor, url, SEED, b"lazy----")
        lazy._socket.transport.pauseProducing()
        self.before = self.resident()
        self.start = time.monotonic()
        watching = LoopingCall(self.watch)
        watching.start(WATCH_SECONDS)
        hearing = ensureDeferred(self.hear(sender, lazy.session))
        for _ in range(self.size // CHUNK_BYTES):
            sender.send(bytes(CHUNK_BYTES), to=lazy.session)
            await sender.room()
        self.say(f"{self.size / 1e6:.0f} MB are pushed")
        await hearing
        watching.stop()
        told = ", ".join(f"{count} {reason}" for reason, count in self.nacks.items())
        self.say(f"RSS grew by {self.growth / 1e6:.1f} MB at most; NACKs: {told}")
        await sender.close()
        lazy._socket.abort()

    async def hear(self, sender: Device, lazy: int) -> None:
        """What the sender is told, until the lazy device is gone."""
        while True:
            event = await sender.receive()
            if isinstance(event, Nack):
                self.nacks[getattr(event.reason, "name", str(event.reason)).lower()] += 1
            elif isinstance(event, Busy):
                self.say("busy")
            elif isinstance(event, Left) and event.session == lazy:
                self.say(f"left: {event.reason}")
                return

    def watch(self) -> None:
        self.growth = max(self.growth, self.resident() - self.before)

    def resident(self) -> int:
        """The memory that the relay holds."""
        return int(Path(f"/proc/{self.relay.process.pid}/statm").read_text().split()[1]) * 4096

    def say(self, what: str) -> None:
        print(f"{time.monotonic() - self.start:5.1f} s  {what}", flush=True)


def main() -> None:
    """Run it."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else PUSHED_BYTES
    options = ["--rate-bytes", "0", "--rate-messages", "0", "--log-level", "error"]
    if len(sys.argv) > 2:  # noqa: PLR2004  two optional arguments
        options += ["--max-buffer", sys.argv[2]]
    with running_relay(*options) as relay:
        react(lambda reactor: ensureDeferred(Push(relay, size).run(reactor)))


if __name__ == "__main__":
    main()
