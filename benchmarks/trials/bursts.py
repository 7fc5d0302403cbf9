"""Bursts: all senders send at the same moment, once or for minutes."""

import asyncio
import time
from collections import Counter
from contextlib import ExitStack

from benchmarks.trial_client import resident_bytes
from benchmarks.trials.figures import MIB, forget_peak, peak_bytes
from benchmarks.trials.pairs import Arrived, Sizes, joined_pairs
from benchmarks.trials.stage import Stage, Terms, report
from benchmarks.trials.stream import Door

MAX_BUFFER = 8 * MIB
_KIB64 = 64 * 1024
_PATIENCE_SECONDS = 8
_SETTLE_SECONDS = 2
_DAY_PAIRS = 250
_DAY_MINUTES = 0.6
_FLAGS = ("--max-connections", "2000", "--log-level", "error")


def _mixed(number: int) -> list[int]:
    kinds = ([1024] * 8, [_KIB64], [4 * _KIB64], [MIB])
    return kinds[(0, 0, 0, 1, 1, 1, 1, 2, 2, 3)[number % 10]]


VARIANTS: dict[str, Sizes] = {
    "500 pairs, 64 KiB": [[_KIB64]] * 500,
    "500 pairs, 4 of 64 KiB": [[_KIB64] * 4] * 500,
    "20 pairs, 1 MiB": [[MIB]] * 20,
    "200 pairs, mixed": [_mixed(number) for number in range(200)],
}


async def burst(terms: Terms) -> None:
    """Every sender of many pairs sends at once, so often; then once with other sizes."""
    for place, (name, sizes) in enumerate(VARIANTS.items()):
        sums = Counter[str]()
        times = max(1, terms.times // 3) if place else terms.times
        for run in range(times):
            sums += await _one_burst(terms, f"burst, {terms.scheme}, {name}", sizes, run)
        closes = ", ".join(f"{key} {sums[key]}" for key in sorted(sums) if key[0] == "4")
        report(
            f"burst, {terms.scheme}, {name}, sum of {times}: {sums['arrived']} of {sums['sent']} "
            f"messages, {sums['wrong']} wrong, {sums['nacks']} NACKs; closes: {closes or 'none'}"
        )


async def _one_burst(terms: Terms, name: str, sizes: Sizes, run: int) -> Counter[str]:
    with ExitStack() as stack:
        flags = (*_FLAGS, *terms.buffer_flags(MAX_BUFFER))
        stage = Stage(stack, terms, *flags, has_own_core=True)
        async with joined_pairs(Door(stage.relay.port, terms.tls), sizes) as pairs:
            before = resident_bytes(stage.pid)
            forget_peak(stage.pid)
            had, sent, seconds = await pairs.go(_PATIENCE_SECONDS)
            peak = peak_bytes(stage.pid)
            await asyncio.sleep(_SETTLE_SECONDS)
            after = resident_bytes(stage.pid)
    messages, total = sum(map(len, sizes)), sum(map(sum, sizes))
    report(
        f"{name}, run {run + 1}: {had.messages} of {messages} messages, {had.bytes} of {total} "
        f"bytes, {had.wrong} wrong, in {seconds:.2f} s; {_closes(had, sent)}; RSS "
        f"{before / MIB:.1f}, peak {peak / MIB:.1f}, after {after / MIB:.1f} MiB"
    )
    sums = {"arrived": had.messages, "sent": messages, "wrong": had.wrong, "nacks": sent.nacks}
    return Counter(sums) + Counter(
        {str(code): count for code, count in (had.closes + sent.closes).items()}
    )


def _closes(had: Arrived, sent: Arrived) -> str:
    return (
        f"closes of receivers: {dict(had.closes) or 'none'}, of senders: "
        f"{dict(sent.closes) or 'none'}; NACKs: {sent.nacks}"
    )


async def day_of_bursts(terms: Terms) -> None:
    """Bursts of 250 pairs with silences, compressed into minutes: what memory remains."""
    sizes: Sizes = [[_KIB64]] * _DAY_PAIRS
    with ExitStack() as stack:
        flags = (*_FLAGS, *terms.buffer_flags(MAX_BUFFER))
        stage = Stage(stack, terms, *flags, has_own_core=True)
        async with joined_pairs(Door(stage.relay.port, terms.tls), sizes) as pairs:
            await asyncio.sleep(_SETTLE_SECONDS)
            idle = resident_bytes(stage.pid)
            forget_peak(stage.pid)
            rests: list[int] = []
            deadline = time.monotonic() + 60 * (terms.minutes or _DAY_MINUTES)
            while time.monotonic() < deadline or not rests:
                had, sent, _ = await pairs.go(_PATIENCE_SECONDS / 4)
                await asyncio.sleep(_SETTLE_SECONDS / 2)
                rests.append(resident_bytes(stage.pid))
            peak = peak_bytes(stage.pid)
    shown = " ".join(f"{rest / MIB:.1f}" for rest in rests[:: max(1, len(rests) // 8)])
    report(
        f"day of bursts, {terms.scheme}: {len(rests)} bursts, {had.messages} of "
        f"{len(rests) * len(sizes)} messages, {had.wrong} wrong; {_closes(had, sent)}; RSS idle "
        f"{idle / MIB:.1f}, peak {peak / MIB:.1f}, after the silences {shown} MiB: last/first "
        f"{rests[-1] / rests[0]:.2f}, most/idle {max(rests) / idle:.2f}"
    )
