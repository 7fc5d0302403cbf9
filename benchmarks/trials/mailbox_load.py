"""Live messages of a relay with a mailbox, beside all that the mailbox does."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
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
_CROWD_NICE = 5
_PHASES_IN_A_MAIN_ONE = 6


@dataclass
class Phases:
    """Live messages of one relay, beside one thing after another."""

    box: MailboxStage
    chat: Helper
    terms: Terms
    run: int

    @asynccontextmanager
    async def chatting(self, name: str) -> AsyncIterator[None]:
        """Chat for the time of a phase; the rest of the phase follows."""
        cpu, began = cpu_seconds(self.box.stage.pid), time.monotonic()
        self.chat.order((name, self.run))
        await asyncio.sleep(self.terms.seconds / _PHASES_IN_A_MAIN_ONE)
        yield
        self.chat.order(None)
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
            readers.order(self.terms.seconds / _PHASES_IN_A_MAIN_ONE)
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
    """Live messages alone, and beside all that a mailbox does, in turn and several times."""
    with ExitStack() as stack:
        off = MailboxStage(stack, terms, has_mailbox=False)
        on = MailboxStage(stack, terms)
        seed = secrets.token_bytes(32)
        await mail.fill(on.target, seed, 16384)
        async with Helper(mail.chat, off.target) as alone, Helper(mail.chat, on.target) as chat:
            for number in range(terms.times):
                await Phases(off, alone, terms, number).alone("no mailbox")
                await _all_phases(Phases(on, chat, terms, number), seed)
            _report(terms, *await alone.ask("end"))
            _report(terms, *await chat.ask("end"))


async def _all_phases(phases: Phases, seed: bytes) -> None:
    await phases.alone("an idle mailbox")
    rate = await phases.write("PUTs of 1 KiB, one each", 1024, 0)
    await phases.send("DATA of 1 KiB", rate)
    await phases.write("PUTs of 1 KiB", 1024)
    await phases.write("PUTs of 64 KiB, one each", 65536, 0)
    await phases.write("PUTs of 64 KiB", 65536)
    await phases.replay("replays", seed)
    phases.box.hold_syncs()
    await phases.write("PUTs with syncs of 10 s", 1024, 0)
    phases.box.release_syncs()


def _report(terms: Terms, found: mail.ChatTimes, lost: int) -> None:
    for phase, runs in found.items():
        for size in mail.CHAT_SIZES:
            times = [
                (median(run[size]), quantiles(run[size], n=100)[-1], max(run[size]))
                for run in runs.values()
            ]
            shown = "; ".join(
                f"{name} " + " ".join(f"{each * 1e3:.2f}" for each in column)
                for name, column in zip(
                    ("median", "99th", "most"), zip(*times, strict=True), strict=True
                )
            )
            report(f"mailbox load, {terms.scheme}: {size:4} B beside {phase}: {shown} ms")
    report(f"mailbox load, {terms.scheme}: {lost} live messages lost")
