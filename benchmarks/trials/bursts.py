"""Bursts: all senders send at the same moment, once or for minutes."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack

from benchmarks.trial_client import resident_bytes
from benchmarks.trials.device import HEADER_BYTES
from benchmarks.trials.figures import MIB, forget_peak, peak_bytes
from benchmarks.trials.pairs import Arrived, Shape, joined_pairs
from benchmarks.trials.stage import Stage, Terms, report
from benchmarks.trials.stream import Target
from vaultrelay.policy.limits.memory import TRIM_SECONDS

MAX_BUFFER = 8 * MIB
_KIB64 = 64 * 1024
_LARGEST = MIB - HEADER_BYTES
_REPEATED = 3
"""So many shapes are run --times times, the others a third as often."""
_PATIENCE_SECONDS = 8
_SETTLE_SECONDS = 1.5
_SILENCE_SECONDS = 2 * TRIM_SECONDS + 0.5
"""In which the relay gives memory back."""
_DAY_PAIRS = 250
_DAY_MINUTES = 0.6
_FLAGS = ("--max-connections", "2000", "--log-level", "error")


def _mixed(number: int) -> list[int]:
    kinds = ([1024] * 8, [_KIB64], [4 * _KIB64], [_LARGEST])
    return kinds[(0, 0, 0, 1, 1, 1, 1, 2, 2, 3)[number % 10]]


SHAPES = {
    "500 pairs, 64 KiB": Shape([[_KIB64]] * 500),
    "500 pairs, 64 KiB, late": Shape([[_KIB64]] * 500, receive_bytes=16 * 1024, late_seconds=0.3),
    "500 pairs, 6 of 64 KiB": Shape([[_KIB64] * 6] * 500),
    "20 pairs, 1 MiB": Shape([[_LARGEST]] * 20),
    "200 pairs, mixed": Shape([_mixed(number) for number in range(200)]),
}


async def burst(terms: Terms) -> None:
    """Every sender of many pairs sends at once, so often; then once with other sizes."""
    for place, (name, shape) in enumerate(SHAPES.items()):
        sums = Counter[str]()
        times = terms.times if place < _REPEATED else max(1, terms.times // 3)
        for run in range(times):
            sums += await _one_burst(terms, f"burst, {terms.scheme}, {name}", shape, run)
        closes = ", ".join(f"{key} {sums[key]}" for key in sorted(sums) if key[0] == "4")
        report(
            f"burst, {terms.scheme}, {name}, sum of {times}: {sums['arrived']} of {sums['sent']} "
            f"messages, {sums['wrong']} wrong, {sums['nacks']} NACKs; closes: {closes or 'none'}"
        )


async def _one_burst(terms: Terms, name: str, shape: Shape, run: int) -> Counter[str]:
    with ExitStack() as stack:
        flags = (*_FLAGS, *terms.buffer_flags(MAX_BUFFER))
        stage = Stage(stack, terms, *flags, is_watched=True)
        async with joined_pairs(Target(stage.relay.port, terms.tls), shape) as pairs:
            before = resident_bytes(stage.pid)
            forget_peak(stage.pid)
            had, sent, seconds = await pairs.go(stage.pid, _PATIENCE_SECONDS)
            peak = peak_bytes(stage.pid)
            closes = await stage.admin.closes()
            await asyncio.sleep(_SETTLE_SECONDS)
            after = resident_bytes(stage.pid)
    report(
        f"{name}, run {run + 1}: {had.messages} of {shape.messages} messages, {had.bytes} of "
        f"{shape.bytes} bytes, {had.wrong} wrong, in {seconds:.2f} s; {_ends(closes, had, sent)}; "
        f"RSS {before / MIB:.1f}, peak {peak / MIB:.1f}, after {after / MIB:.1f} MiB"
    )
    sums = {
        "arrived": had.messages,
        "sent": shape.messages,
        "wrong": had.wrong,
        "nacks": sent.nacks,
    }
    return Counter(sums) + Counter({str(code): count for code, count in closes.items()})


def _ends(closes: Counter[int], had: Arrived, sent: Arrived) -> str:
    return (
        f"closes: {dict(closes) or 'none'} (of receivers {had.closes.total()}, of senders "
        f"{sent.closes.total()}); NACKs: {sent.nacks}"
    )


async def day_of_bursts(terms: Terms) -> None:
    """Bursts of 250 pairs with silences, compressed into minutes: what memory remains."""
    shape = Shape([[_KIB64]] * _DAY_PAIRS)
    with ExitStack() as stack:
        flags = (*_FLAGS, *terms.buffer_flags(MAX_BUFFER))
        stage = Stage(stack, terms, *flags, is_watched=True)
        async with joined_pairs(Target(stage.relay.port, terms.tls), shape) as pairs:
            await asyncio.sleep(_SETTLE_SECONDS)
            idle = resident_bytes(stage.pid)
            forget_peak(stage.pid)
            rests: list[int] = []
            deadline = time.monotonic() + 60 * (terms.minutes or _DAY_MINUTES)
            while time.monotonic() < deadline or not rests:
                had, sent, _ = await pairs.go(stage.pid, _PATIENCE_SECONDS / 4)
                await asyncio.sleep(_SILENCE_SECONDS)
                rests.append(resident_bytes(stage.pid))
            peak = peak_bytes(stage.pid)
            closes = await stage.admin.closes()
    shown = " ".join(f"{rest / MIB:.1f}" for rest in rests[:: max(1, len(rests) // 8)])
    report(
        f"day of bursts, {terms.scheme}: {len(rests)} bursts, {had.messages} of "
        f"{len(rests) * shape.messages} messages, {had.wrong} wrong; {_ends(closes, had, sent)}; "
        f"RSS idle {idle / MIB:.1f}, peak {peak / MIB:.1f}, after the silences {shown} MiB: "
        f"last/first {rests[-1] / rests[0]:.2f}, most/idle {max(rests) / idle:.2f}"
    )
