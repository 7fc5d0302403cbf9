"""The mailbox of honest devices beside greedy ones, which take more than their share."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from benchmarks.trials import mail, mailbox_crowds
from benchmarks.trials.beside import PROXY
from benchmarks.trials.figures import MIB, WarningMonitor
from benchmarks.trials.helper import Helper, Work
from benchmarks.trials.honest import PAIRS, talk
from benchmarks.trials.mailbox_honest import use
from benchmarks.trials.mailbox_stage import MailboxStage
from benchmarks.trials.stage import Terms, report

_MAX_BUFFER = 4 * MIB
_TICK_SECONDS = 0.1
_HOLD_SECONDS, _RELEASE_SECONDS = 0.4, 0.12
"""A held sync checks every 0.1 s whether it was released."""
_CROWD_NICE = 5
_ITEM_BYTES = 16384


@dataclass(frozen=True)
class Greed:
    """What a crowd does."""

    name: str
    work: Work
    sizes: tuple[int, ...] = ()
    has_slow_disk: bool = False
    has_full_mailbox: bool = False


GREEDS = (
    Greed("pages that nobody reads", mailbox_crowds.take_pages, has_full_mailbox=True),
    Greed("PUTs of 1 KiB, slow disk", mailbox_crowds.put_much, (1024,), has_slow_disk=True),
    Greed("PUTs of 64 KiB, slow disk", mailbox_crowds.put_much, (65536,), has_slow_disk=True),
    Greed("PUTs of 1 B, slow disk", mailbox_crowds.put_much, (1,), has_slow_disk=True),
    Greed("items of 1 KiB for sleepers", mailbox_crowds.store_for_sleepers, (1024,)),
    Greed("data for sleepers", mailbox_crowds.send_to_sleepers),
)


async def greedy(terms: Terms) -> None:
    """Honest devices and pairs beside each kind of greed."""
    for greed in GREEDS:
        with ExitStack() as stack:
            box = MailboxStage(stack, terms, *PROXY, *terms.buffer_flags(_MAX_BUFFER))
            if greed.has_full_mailbox:
                for channel in range(mailbox_crowds.DEVICES // mailbox_crowds.PER_CHANNEL):
                    await mail.fill(box.target, mailbox_crowds.seed_of(channel), _ITEM_BYTES)
            async with _disk(box, is_slow=greed.has_slow_disk):
                await _beside(terms, greed, box)


async def _beside(terms: Terms, greed: Greed, box: MailboxStage) -> None:
    async with AsyncExitStack() as helpers:
        enter = helpers.enter_async_context
        mailbox = await enter(Helper(use, box.target, secrets.token_bytes(32)))
        kinds = "1 KiB", "64 KiB"
        pairs = await enter(Helper(talk, box.target, PAIRS, kinds, _TICK_SECONDS))
        pairs.order("alone")
        await asyncio.sleep(terms.seconds / 4)
        alone = await mailbox.ask("next")
        watch = await enter(WarningMonitor(box.stage.pid, box.stage.admin))
        crowd = await enter(Helper(greed.work, box.target, *greed.sizes, nice=_CROWD_NICE))
        pairs.order("crowd")
        await mailbox.ask("next")
        await asyncio.sleep(terms.seconds)
        beside = await mailbox.ask(None)
        phases, closes, nacks = await pairs.ask(None)
        cut = await crowd.ask(None)
    title = f"greedy, {terms.scheme}, {greed.name}"
    report(f"{title}: honest mailbox alone: {alone}")
    report(f"{title}: honest mailbox beside it: {beside}")
    report(f"{title}: pairs alone {phases['alone']}; beside it {phases['crowd']}; {nacks} NACKs")
    report(f"{title}: pairs closed {dict(closes) or 'none'}, greedy cut {cut}; {watch}")


@asynccontextmanager
async def _disk(box: MailboxStage, *, is_slow: bool) -> AsyncIterator[None]:
    """Let most syncs take about half a second, if it is slow."""
    slow = asyncio.create_task(_slow_down(box)) if is_slow else None
    yield
    if slow is not None:
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def _slow_down(box: MailboxStage) -> None:
    try:
        while True:
            box.hold_syncs()
            await asyncio.sleep(_HOLD_SECONDS)
            box.release_syncs()
            await asyncio.sleep(_RELEASE_SECONDS)
    finally:
        with suppress(FileNotFoundError):
            box.release_syncs()
