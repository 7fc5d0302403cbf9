"""The mailbox: its memory, and its rate."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack, ExitStack

from benchmarks.trial_client import resident_bytes
from benchmarks.trials import mail
from benchmarks.trials.figures import MIB, forget_peak, milliseconds, peak_bytes
from benchmarks.trials.helper import Helper
from benchmarks.trials.mailbox_load import READERS, SENDERS
from benchmarks.trials.mailbox_stage import MailboxStage, seeds
from benchmarks.trials.stage import Terms, report
from vaultrelay.policy.limits.mailbox import WINDOW_BYTES

_DEVICES = 1000
_MAX_BUFFER = 8 * MIB
_SETTLE_SECONDS = 2
_LONE_PAUSE_SECONDS = 0.05
"""More than lies between two commits."""


async def memory(terms: Terms) -> None:
    """1000 devices: RSS without a mailbox and with it, and the peak of replays."""
    idle: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(terms.times):
        for has_mailbox, found in idle.items():
            with ExitStack() as stack:
                found.append(await _crowded(stack, terms, has_mailbox))
    for name, found in zip(("without", "with"), idle.values(), strict=True):
        runs = " ".join(f"{each:.2f}" for each in found)
        report(f"mailbox memory, {terms.scheme}: RSS {name} a mailbox {runs} MiB")


async def _crowded(stack: ExitStack, terms: Terms, has_mailbox: bool) -> float:
    flags = ("--max-connections", "1100", *terms.buffer_flags(_MAX_BUFFER))
    box = MailboxStage(stack, terms, *flags, has_mailbox=has_mailbox)
    pid, seed = box.stage.pid, secrets.token_bytes(32)
    async with AsyncExitStack() as helpers:
        crowd = await helpers.enter_async_context(
            Helper(mail.idle, box.target, _DEVICES - READERS - 1)
        )
        rest = [secrets.token_bytes(32)] * (READERS + 1)
        async with Helper(mail.store, box.target, rest, 1) as leaving:
            await asyncio.sleep(_SETTLE_SECONDS)
            resident = resident_bytes(pid) / MIB
            leaving.order(None)
        for size in (0, 65536, 1024) if has_mailbox else ():
            # Without items: what the joins alone take.
            if size:
                await mail.fill(box.target, seed, size)
            async with Helper(mail.replay, box.target, seed, READERS) as readers:
                await asyncio.sleep(_SETTLE_SECONDS)
                before = resident_bytes(pid)
                forget_peak(pid)
                seconds, ids = await readers.ask(0)
                readers.order(None)
            report(
                f"mailbox memory, {terms.scheme}: {READERS} replays of {len(ids[0])} items "
                f"of {size} bytes: RSS {resident:.2f} idle, {before / MIB:.2f} before, peak "
                f"{peak_bytes(pid) / MIB:.2f} MiB; the replays took {min(seconds):.1f} to "
                f"{max(seconds):.1f} s; {sum(each == ids[0] for each in ids)} of {READERS} whole"
            )
            await mail.erase(box.target, seed)
        ended = await crowd.ask(None)
        if ended:
            report(f"mailbox memory, {terms.scheme}: {ended} devices were closed")
    return resident


async def rate(terms: Terms) -> None:
    """PUTs and commits a second with many senders, and the time of a lone PUT."""
    kinds = {
        "64 senders": (seeds(SENDERS, 2), 0.0),
        "64 senders, one PUT each": (seeds(SENDERS, 2), 0.0),
        "a lone sender": (seeds(1, 1), 0.0),
        "a lone sender with pauses": (seeds(1, 1), _LONE_PAUSE_SECONDS),
    }
    with ExitStack() as stack:
        box = MailboxStage(stack, terms)
        for name, (channels, pause) in kinds.items():
            for size in (1024, 65536):
                window = {"64 senders": WINDOW_BYTES}.get(name, 0)
                work = mail.store, box.target, channels, size, window, pause
                async with Helper(*work) as writers:
                    began, syncs = time.monotonic(), box.syncs
                    await writers.ask("go")
                    await asyncio.sleep(terms.seconds / 4)
                    stored, seconds, nacks = await writers.ask("stop")
                    took = time.monotonic() - began
                    writers.order(None)
                report(
                    f"mailbox rate, {terms.scheme}: {name}, {size} bytes: "
                    f"{len(stored) / took:.0f} PUTs, {(box.syncs - syncs) / took:.1f} syncs a "
                    f"second, {nacks} NACKs, median/99th {milliseconds(seconds)} ms"
                )
