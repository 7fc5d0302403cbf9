"""The picture of the status page in the docs: a relay with lively devices, seen in Chromium.

    .venv/bin/python -m benchmarks.status_picture [--also] FILE

Samples are taken every 0.4 seconds instead of every ten, so that the hour of the plots passes in
less than three minutes. All else is as it happened.
"""

import argparse
import asyncio
import random
import re
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.trial_client import Where, Wire, pair
from tests.authority import issue, write_pair
from tests.frames import CLOSE
from tests.process.processes import environment
from tests.system.chromium import tab
from tests.transport.tls_client import lenient_context
from vaultrelay.policy.limits.admin import HISTORY_SAMPLES
from vaultrelay.wire.data import EVERYONE

SAMPLE_SECONDS = 0.4
SECONDS = HISTORY_SAMPLES * SAMPLE_SECONDS + 1
RELAY = f"""
from vaultrelay.policy.limits import admin
admin.SAMPLE_SECONDS, admin.LAG_SECONDS = {SAMPLE_SECONDS}, 0.05
from vaultrelay.commands import main
main()
"""
HOUSEHOLDS = 40
MOST_DEVICES = 4
PICTURE_WIDTH, PHONE_WIDTH = 1200, 390
SMALL = 16_000
CUT_OFF, LARGE, TO_NOBODY = 0.2, 0.03, 0.004
"""How often devices leave without a word, and what they send."""
NO_SESSION = 99_999
PEAK = 0.62
"""The part of the hour at which most households are awake."""


async def household(where: Where, end: float) -> None:
    """Devices of one vault, that come, sync for a while and go, again and again."""
    clock = asyncio.get_running_loop().time
    seed = secrets.token_bytes(32)
    while True:
        awake = 1 - abs((end - clock()) / SECONDS - (1 - PEAK))
        if random.random() > awake**3:
            await asyncio.sleep(random.uniform(0.5, 3))
            continue
        with suppress(OSError, asyncio.IncompleteReadError):
            wires = [
                await where.join(seed, f"device-{number}".encode())
                for number in range(random.randint(2, MOST_DEVICES))
            ]
            readers = [asyncio.create_task(wire.ended()) for wire in wires]
            await sync(wires, clock() + random.expovariate(1 / 12))
            for wire in wires:
                # Some phones leave without a word.
                if random.random() < CUT_OFF:
                    wire.cut()
                else:
                    wire.send(CLOSE, (1000).to_bytes(2, "big"))
            await asyncio.gather(*readers)
            for wire in wires:
                wire.cut()


async def sync(wires: list[Wire], until: float) -> None:
    """Changes of a few kilobytes, and now and then an attachment."""
    clock = asyncio.get_running_loop().time
    while clock() < until:
        sender = random.choice(wires)
        large = random.random() < LARGE
        payload = secrets.token_bytes(random.randint(20_000, 90_000) if large else 900)
        sender.data(NO_SESSION if random.random() < TO_NOBODY else EVERYONE, payload)
        await asyncio.sleep(random.expovariate(4))


async def asleep(where: Where) -> None:
    """A laptop that sleeps while another device sends it much."""
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(random.uniform(8, 15))
        sender, receiver = await pair(where)
        for wire, size in ((sender, socket.SO_SNDBUF), (receiver, socket.SO_RCVBUF)):
            wire.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, size, SMALL)
        reader = asyncio.create_task(sender.ended())
        receiver.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a StreamReader has no public way to pause
        end = clock() + 22
        with suppress(OSError):
            while clock() < end:
                sender.data(receiver.session, secrets.token_bytes(SMALL))
                await sender.writer.drain()
                await asyncio.sleep(random.expovariate(10))
        sender.cut()
        receiver.cut()
        await reader


async def strangers(where: Where) -> None:
    """Scanners, old apps, people who mistyped the URL."""
    without_tls = Where(where.port)
    while True:
        await asyncio.sleep(random.expovariate(0.4))
        with suppress(OSError, asyncio.IncompleteReadError):
            match random.choice(["proof", "proof", "no tls", "no tls", "no tls", "ssh", "post"]):
                case "proof":
                    (await where.join(secrets.token_bytes(32), b"device-x", good=False)).cut()
                case "no tls":
                    await without_tls.ask()
                case "ssh":
                    await where.ask(b"\x00SSH")
                case "post":
                    await where.ask(b"POST / HTTP/1.1\r\nHost: relay.test\r\n\r\n")


async def lively(where: Where, at_the_end: Callable[[], None]) -> None:
    """All of them, for the whole of the picture's hour; they go on while it is taken."""
    end = asyncio.get_running_loop().time() + SECONDS
    stays = [household(where, end) for _ in range(HOUSEHOLDS)]
    others = [asleep(where), strangers(where), strangers(where)]
    tasks = [asyncio.create_task(each) for each in (*stays, *others)]
    await asyncio.sleep(SECONDS)
    await asyncio.to_thread(at_the_end)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def photograph(url: str, file: Path, width: int, dark: bool = False) -> None:
    """A picture of the page as Chromium shows it."""
    with tab() as window:
        window.look(width, dark)
        window.load(url)
        file.write_bytes(window.picture())


def main() -> None:
    """Run the relay and its devices, and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--also", action="store_true", help="dark and narrow pictures beside it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relay-") as folder:
        certificate, key = write_pair(Path(folder), issue(["relay.example.org", "relay.test"]))
        relay = subprocess.Popen(
            [
                *(sys.executable, "-c", RELAY),
                *("--listen", f"ssl:0:privateKey={key.name}:certKey={certificate.name}"),
                *("--admin", "tcp:0:interface=127.0.0.1"),
                *("--public-url", "wss://relay.example.org"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment(),
        )

        def look() -> None:
            url = f"http://127.0.0.1:{admin}/"
            photograph(url, asked.file, PICTURE_WIDTH)
            if asked.also:
                photograph(url, asked.file.with_suffix(".dark.png"), PICTURE_WIDTH, dark=True)
                photograph(url, asked.file.with_suffix(".phone.png"), PHONE_WIDTH)

        try:
            said = [relay.stderr.readline() if relay.stderr else "" for _ in range(2)]
            port, admin = (re.findall(r"\(port (\d+)", line)[-1] for line in said)
            asyncio.run(lively(Where(int(port), lenient_context()), look))
        finally:
            relay.terminate()
            relay.communicate()


if __name__ == "__main__":
    main()
