"""Live messages of a relay with a mailbox, beside all that the mailbox does."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.trial_client import cpu_seconds
from benchmarks.trials import mail
from benchmarks.trials.figures import milliseconds
from benchmarks.trials.helper import Helper
from benchmarks.trials.mailbox_stage import MailboxStage, seeds
from benchmarks.trials.stage import Terms, report
from vaultrelay.policy.limits.mailbox import WINDOW_BYTES

SENDERS = 64
READERS = 63
_CHAT_NICE, _CROWD_NICE = -10, 5
"""A message's time is to be the relay's, not that of a busy client."""


@dataclass
class Phases:
    """Live messages of one relay, beside one thing after another."""

    box: MailboxStage
    chat: Helper
    terms: Terms

    @asynccontextmanager
    async def chatting(self, name: str) -> AsyncIterator[None]:
        """Chat for the time of a phase; the rest of the phase follows."""
        cpu, began = cpu_seconds(self.box.stage.pid), time.monotonic()
        self.chat.order(name)
        await asyncio.sleep(self.terms.seconds / 2)
        yield
        self.chat.order("")
        used = (cpu_seconds(self.box.stage.pid) - cpu) / (time.monotonic() - began)
        report(f"{self._title}: beside {name}: CPU {used:.0%} of a core")

    async def alone(self, name: str) -> None:
        """Nothing else."""
        async with self.chatting(name):
            pass

    async def write(self, name: str, size: int, window: int = WINDOW_BYTES) -> float:
        """Store with full windows; return the PUTs a second."""
        work = mail.store, self.box.target, seeds(SENDERS, 2), size, window
        async with Helper(*work, nice=_CROWD_NICE) as writers:
            began, syncs = time.monotonic(), self.box.syncs
            await writers.ask("go")
            async with self.chatting(name):
                stored, seconds, nacks = await writers.ask("stop")
                took = time.monotonic() - began
            report(
                f"{self._title}: {len(stored) / took:.0f} {name} a second, "
                f"{(self.box.syncs - syncs) / took:.0f} syncs a second, {nacks} NACKs, "
                f"median/99th {milliseconds(seconds)} ms"
            )
            writers.order(None)
        return len(stored) / took

    async def replay(self, name: str, seed: bytes) -> None:
        """Read the mailbox of a channel with many devices, their joins included."""
        work = mail.replay, self.box.target, seed, READERS
        async with Helper(*work, nice=_CROWD_NICE) as readers:
            readers.order(self.terms.seconds / 2)
            async with self.chatting(name):
                seconds, _ = await readers.answer()
            report(f"{self._title}: {len(seconds)} replays, median/99th {milliseconds(seconds)} ms")
            readers.order(None)

    async def send(self, name: str, rate: float) -> None:
        """As many data messages as there were PUTs."""
        work = mail.send, self.box.target, seeds(SENDERS, 2), 1024, rate
        async with Helper(*work, nice=_CROWD_NICE) as senders, self.chatting(name):
            report(f"{self._title}: {await senders.ask(None):.0f} {name} a second")

    @property
    def _title(self) -> str:
        return f"mailbox load, {self.terms.scheme}"


async def load(terms: Terms) -> None:
    """Live messages alone, and beside all that a mailbox does."""
    nice = _CHAT_NICE if os.geteuid() == 0 else 0
    for has_mailbox in (False, True):
        with ExitStack() as stack:
            box = MailboxStage(stack, terms, has_mailbox=has_mailbox)
            async with Helper(mail.chat, box.target, nice=nice) as chat:
                phases = Phases(box, chat, terms)
                await (_all_phases(phases) if has_mailbox else phases.alone("no mailbox"))
                found, lost = await chat.ask(None)
        _report(terms, found, lost)


async def _all_phases(phases: Phases) -> None:
    seed = secrets.token_bytes(32)
    await phases.alone("an idle mailbox")
    rate = await phases.write("PUTs of 1 KiB, one each", 1024, 0)
    await phases.write("PUTs of 1 KiB", 1024)
    await phases.send("DATA of 1 KiB", rate)
    await phases.write("PUTs of 64 KiB", 65536)
    await mail.fill(phases.box.target, seed, 16384)
    await phases.replay("replays", seed)
    phases.box.hold_syncs()
    await phases.write("PUTs with syncs of 10 s", 1024)
    phases.box.release_syncs()


def _report(terms: Terms, found: Mapping[str, Mapping[int, list[float]]], lost: int) -> None:
    for phase, sizes in found.items():
        for size, seconds in sorted(sizes.items()):
            times = median(seconds), quantiles(seconds, n=100)[-1], max(seconds)
            shown = " / ".join(f"{each * 1e3:.2f}" for each in times)
            report(
                f"mailbox load, {terms.scheme}: {size} B beside {phase}: median/99th/most "
                f"{shown} ms of {len(seconds)}"
            )
    report(f"mailbox load, {terms.scheme}: {lost} live messages lost")
