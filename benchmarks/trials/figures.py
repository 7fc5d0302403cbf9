"""Figures of a relay that runs, and of lists of seconds."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from types import TracebackType

from benchmarks.trial_client import cpu_seconds, resident_bytes

MIB = 1 << 20
_CLOSED = re.compile(r'^vaultrelay_closes_total\{code="(\d+)".*\} (\d+)', re.MULTILINE)
_REFUSED = re.compile(r'\{outcome="(\w+)"\} (\d+)')
_SAMPLE_SECONDS = 0.25


def milliseconds(seconds: Sequence[float]) -> str:
    """Median and 99th percentile."""
    if len(seconds) < 2:  # noqa: PLR2004  what quantiles need
        return f"{len(seconds)} times"
    worst = quantiles(seconds, n=100)[-1]
    return f"{median(seconds) * 1e3:.1f}/{min(worst, max(seconds)) * 1e3:.1f}"


def peak_bytes(pid: int) -> int:
    """The most that a process had in memory since its start or `forget_peak` (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def forget_peak(pid: int) -> None:
    """Begin anew with the peak."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass(frozen=True)
class Admin:
    """The admin endpoint of a relay, on a unix socket."""

    path: Path

    async def status(self) -> dict[str, int]:
        """/status.json."""
        status: dict[str, int] = json.loads(await self._ask("/status.json"))
        return status

    async def closes(self) -> Counter[int]:
        """Sessions that the relay has closed, by close code."""
        found = _CLOSED.findall((await self._ask("/metrics")).decode())
        return Counter({int(code): int(count) for code, count in found if count != "0"})

    async def refusals(self) -> Counter[str]:
        """Connections that the relay has refused or cut off before their join, by its slug."""
        found = _REFUSED.findall((await self._ask("/metrics")).decode())
        return Counter({slug: int(count) for slug, count in found if count != "0"})

    async def _ask(self, path: str) -> bytes:
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return (await asyncio.wait_for(reader.read(-1), 10)).partition(b"\r\n\r\n")[2]
        finally:
            writer.close()


class WarningMonitor:
    """Samples a relay's memory and CPU for a while."""

    def __init__(self, pid: int, admin: Admin) -> None:
        self.held = 0
        """The most bytes that the relay held for receivers."""
        self.held_now = 0
        self._pid, self._admin = pid, admin

    async def __aenter__(self) -> "WarningMonitor":
        forget_peak(self._pid)
        self._began, self._cpu = time.monotonic(), cpu_seconds(self._pid)
        self.resident_before = resident_bytes(self._pid)
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.peak = peak_bytes(self._pid)
        took = time.monotonic() - self._began
        self.load = (cpu_seconds(self._pid) - self._cpu) / took

    def __str__(self) -> str:
        return (
            f"held at most {self.held / MIB:.1f} MiB, RSS {self.resident_before / MIB:.0f} "
            f"before, peak {self.peak / MIB:.0f} MiB, "
            f"CPU {self.load:.0%} of a core"
        )

    async def _sample(self) -> None:
        while True:
            with suppress(OSError, ValueError, KeyError):
                self.held_now = int((await self._admin.status())["buffered_bytes"])
                self.held = max(self.held, self.held_now)
            await asyncio.sleep(_SAMPLE_SECONDS)
