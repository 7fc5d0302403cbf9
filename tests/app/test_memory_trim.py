"""MemoryTrim: when memory is given back to the system, and that it is."""

import json
import platform

import pytest
from twisted.internet.task import Clock

from tests.app.lean import LEAN, RELAY, run
from tests.recorded_log import RecordedLog
from vaultrelay.app import memory_trim
from vaultrelay.app.memory_trim import MemoryTrim
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.memory import TRIM_FROM_BYTES, TRIM_SECONDS

LIMIT = 16 * TRIM_FROM_BYTES
BURST = 8 * TRIM_FROM_BYTES
HOLES = """
import json
from pathlib import Path
from vaultrelay.app.memory_trim import trim

def resident_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

large, small = [], []
for _ in range(500):
    large.append(bytearray(b"x" * 65536))
    small.append(bytearray(b"x" * 2048))
full = resident_bytes()
large.clear()
held = resident_bytes()
trim()
print(json.dumps([full, held, resident_bytes()]))
"""
"""Buffers of 32 MB in all, each before an object that stays."""


class Trimmed:
    """A MemoryTrim that has started, with a clock and a ledger of its own."""

    def __init__(self) -> None:
        self.times = 0
        self.clock = Clock()
        self.ledger = Ledger(LIMIT)
        self.log = RecordedLog()
        self.service = MemoryTrim(self.ledger, self.clock, log=self.log)
        self.service.startService()

    def trim(self) -> None:
        """Count instead of a call of glibc."""
        self.times += 1

    def wait(self, intervals: int = 1) -> int:
        """Return how often it has trimmed after so many intervals."""
        for _ in range(intervals):
            self.clock.advance(TRIM_SECONDS)
        return self.times


@pytest.fixture
def trimmed(monkeypatch: pytest.MonkeyPatch) -> Trimmed:
    trimmed = Trimmed()
    monkeypatch.setattr(memory_trim, "trim", trimmed.trim)
    return trimmed


def test_a_quiet_relay_is_not_trimmed(trimmed: Trimmed) -> None:
    trimmed.ledger.add(1000)
    trimmed.ledger.add(-1000)
    assert trimmed.wait(100) == 0


def test_after_a_burst_it_is_trimmed_once(trimmed: Trimmed) -> None:
    trimmed.ledger.add(BURST)
    trimmed.ledger.add(-BURST)
    trimmed.wait()
    assert trimmed.wait() == 1
    assert trimmed.wait(100) == 1


def test_while_a_burst_lasts_it_is_not_trimmed(trimmed: Trimmed) -> None:
    for _ in range(20):
        trimmed.ledger.add(BURST)
        trimmed.ledger.add(-BURST)
        assert trimmed.wait() == 0
    assert trimmed.wait() == 1


def test_each_burst_is_trimmed(trimmed: Trimmed) -> None:
    for times in range(1, 4):
        trimmed.ledger.add(BURST)
        trimmed.ledger.add(-BURST)
        assert trimmed.wait(2) == times


def test_what_is_held_on_is_not_trimmed_until_it_goes(trimmed: Trimmed) -> None:
    trimmed.ledger.add(BURST)
    assert trimmed.wait(100) == 0
    trimmed.ledger.add(TRIM_FROM_BYTES // 2 - BURST)
    assert trimmed.wait(2) == 1


def test_a_fall_of_less_is_not_trimmed(trimmed: Trimmed) -> None:
    trimmed.ledger.add(BURST)
    trimmed.ledger.add(1 - TRIM_FROM_BYTES)
    assert trimmed.wait(100) == 0
    trimmed.ledger.add(-1)
    assert trimmed.wait(2) == 1


def test_a_stopped_service_does_not_look(trimmed: Trimmed) -> None:
    trimmed.ledger.add(BURST)
    trimmed.ledger.add(-BURST)
    trimmed.service.stopService()
    assert trimmed.wait(100) == 0
    assert not trimmed.clock.getDelayedCalls()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no trim")
def test_a_lean_process_gives_the_holes_between_objects_back() -> None:
    full, held, after = json.loads(run(LEAN + RELAY + HOLES))
    # Without the call they would stay.
    assert held > full - BURST
    assert after < full - 24 * 2**20
