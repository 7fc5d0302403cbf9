"""The picture of the status page in the docs: a relay with lively devices, seen in Chromium.

    .venv/bin/python -m benchmarks.status_picture [--dark] [--width PIXELS] FILE

Samples are taken every quarter of a second instead of every ten, so that the hour of the plots
passes in a minute and a half. All else is as it happened.
"""

import argparse
import asyncio
import random
import re
import secrets
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from benchmarks.trial_client import Where, Wire
from tests.certificates import issue, write_pair
from tests.process.processes import environment
from tests.transport.tls_client import lenient_context
from vaultrelay.policy.limits import HISTORY_SAMPLES

SAMPLE_SECONDS = 0.25
SECONDS = HISTORY_SAMPLES * SAMPLE_SECONDS + 1
RELAY = f"""
from vaultrelay.policy import limits
limits.SAMPLE_SECONDS, limits.LAG_SECONDS = {SAMPLE_SECONDS}, 0.05
from vaultrelay.commands import main
main()
"""
HOUSEHOLDS = 60
MOST_DEVICES = 4
PEAK = 0.62
"""The part of the hour at which most households are awake."""


async def household(where: Where, until: float) -> None:
    """Devices of one vault, that come, sync for a while and go, again and again."""
    clock = asyncio.get_running_loop().time
    seed = secrets.token_bytes(32)
    while clock() < until:
        awake = 1 - abs((until - clock()) / SECONDS - (1 - PEAK))
        if random.random() > awake**3:
            await asyncio.sleep(random.uniform(0.5, 2))
            continue
        with suppress(OSError, asyncio.IncompleteReadError):
            wires = [
                await where.join(seed, f"device-{number}".encode())
                for number in range(random.randint(2, MOST_DEVICES))
            ]
            readers = [asyncio.create_task(wire.ended()) for wire in wires]
            await sync(wires, min(until, clock() + random.expovariate(1 / 8)))
            for wire in wires:
                # Phones leave the house without a word.
                await (wire.leave() if random.random() < 0.8 else wire_cut(wire))
            await asyncio.gather(*readers, return_exceptions=True)


async def sync(wires: list[Wire], until: float) -> None:
    """Changes of a few kilobytes, and now and then an attachment."""
    clock = asyncio.get_running_loop().time
    while clock() < until:
        sender = random.choice(wires)
        large = random.random() < 0.03
        payload = secrets.token_bytes(random.randint(20_000, 90_000) if large else 900)
        # Now and then to somebody who has just left.
        gone = random.random() < 0.004
        sender.data(99_999 if gone else random.choice(wires).session, payload) if gone else (
            sender.data(0xFFFFFFFF, payload)
        )
        await asyncio.sleep(random.expovariate(4))


async def wire_cut(wire: Wire) -> None:
    """Hang up."""
    wire.cut()


async def strangers(where: Where, until: float) -> None:
    """Scanners, old apps, clients that do not trust the certificate."""
    clock = asyncio.get_running_loop().time
    port = Where(where.port)
    while clock() < until:
        await asyncio.sleep(random.expovariate(0.8))
        with suppress(OSError, asyncio.IncompleteReadError):
            kind = random.random()
            if kind < 0.3:
                (await where.join(secrets.token_bytes(32), b"device-x", good=False)).cut()
            elif kind < 0.6:
                await port.ask(b"\x16\x03\x00\x00\x02ab")
            elif kind < 0.8:
                await where.ask(b"SSH-2.0-scanner\r\n\r\n")
            else:
                await where.ask(b"POST / HTTP/1.1\r\nHost: relay.test\r\n\r\n")


async def lively(where: Where) -> None:
    """All of them, for the whole of the picture's hour."""
    until = asyncio.get_running_loop().time() + SECONDS
    homes = [household(where, until) for _ in range(HOUSEHOLDS)]
    await asyncio.gather(*homes, strangers(where, until))


def photograph(url: str, file: Path, width: int, height: int, dark: bool) -> None:
    """A picture of a page as Chromium shows it."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                *(["--blink-settings=preferredColorScheme=0"] if dark else []),
                f"--screenshot={file}",
                url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )


def main() -> None:
    """Run the relay and its devices, and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--also", action="store_true", help="dark and narrow pictures beside it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = write_pair(Path(folder), issue(["relay.example.org", "relay.test"]))
        relay = subprocess.Popen(
            [
                sys.executable,
                "-c",
                RELAY,
                *("--listen", f"ssl:0:privateKey={key}:certKey={certificate}:interface=127.0.0.1"),
                *("--admin", "tcp:0:interface=127.0.0.1"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        try:
            assert relay.stderr is not None
            said = [relay.stderr.readline() for _ in range(2)]
            port, admin = (re.findall(r"\(port (\d+)", line)[-1] for line in said)
            asyncio.run(lively(Where(int(port), lenient_context())))
            url = f"http://127.0.0.1:{admin}/"
            photograph(url, asked.file, 1200, 1500, dark=False)
            if asked.also:
                photograph(url, asked.file.with_suffix(".dark.png"), 1200, 1500, dark=True)
                photograph(url, asked.file.with_suffix(".phone.png"), 500, 3000, dark=False)
        finally:
            relay.terminate()
            relay.communicate()


if __name__ == "__main__":
    main()
