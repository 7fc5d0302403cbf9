"""kill -9 of a relay while devices store and read, again and again, in a folder of its own."""

import random
import secrets
import signal
from asyncio import get_running_loop, sleep
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from benchmarks.trials.device import HEADER_BYTES, Device, admitted
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.mail import join_all, mail_device
from benchmarks.trials.mailbox_stage import MailboxStage
from benchmarks.trials.stage import Terms, report
from benchmarks.trials.stream import Target
from tests.frames import BINARY
from vaultrelay.wire import base64url
from vaultrelay.wire.mailbox import MailboxKind, pack_put, read_item

_KILLS, _ROUND_SECONDS = 25, 1.0
_WRITERS, _UNDER_WAY = 8, 15
_ID = slice(HEADER_BYTES, HEADER_BYTES + 16)


def _payload(item_id: bytes) -> bytes:
    return sha256(item_id).digest() * 32


class _Outbox:
    """The PUTs of one device: first those that an earlier relay did not answer, then new ones."""

    def __init__(self, device: Device, unanswered: list[bytes]) -> None:
        self.answered: list[bytes] = []
        self._waiting = deque(unanswered)
        self._under_way: dict[int, bytes] = {}
        self._device, self._number = device, 0
        device.received, device.nack_received = self._received, self._refused
        device.control_received = self._control_received

    @property
    def unanswered(self) -> list[bytes]:
        """In the order in which they were sent."""
        return [*self._under_way.values(), *self._waiting]

    def fill(self) -> None:
        """Send what may be under way."""
        while len(self._under_way) < _UNDER_WAY:
            item_id = self._waiting.popleft() if self._waiting else secrets.token_bytes(16)
            self._number += 1
            self._under_way[self._number] = item_id
            put = pack_put(self._device.session, self._number, item_id, _payload(item_id))
            self._device.send(BINARY, put)

    def _received(self, message: bytes) -> None:
        if message[0] == MailboxKind.STORED:
            self.answered.append(message[_ID])
            self._under_way.pop(int.from_bytes(message[12:HEADER_BYTES]))
            self._fill_soon()

    def _refused(self, nack: bytes) -> None:
        self._waiting.appendleft(self._under_way.pop(int.from_bytes(nack[12:HEADER_BYTES])))

    def _control_received(self, control: dict[str, Any]) -> None:
        if control.get("state") in ("room", "open"):
            self._fill_soon()

    def _fill_soon(self) -> None:
        # Not at once: a write to a relay that was killed reads what is left of its answers.
        get_running_loop().call_soon(self.fill)


async def _put(link: Link, target: Target, seed: bytes, unanswered: list[bytes]) -> None:
    """Store until the order to stop; reports the ids that were answered, and those that were
    not."""
    devices = await join_all(target, [seed] * _WRITERS)
    outboxes = [_Outbox(each, unanswered[i::_WRITERS]) for i, each in enumerate(devices)]
    link.report("ready")
    await link.order()
    for outbox in outboxes:
        outbox.fill()
    await link.order()
    link.report(
        (
            [item_id for each in outboxes for item_id in each.answered],
            [item_id for each in outboxes for item_id in each.unanswered],
        )
    )


async def _follow(link: Link, target: Target, seed: bytes, cursor: bytes) -> None:
    """Read from a cursor on; reports the ids, the cursor, the gaps, and items with a wrong payload
    until the order to stop, and is ready when it is live."""
    ids: list[bytes] = []
    gaps: Counter[str] = Counter()

    def received(message: bytes) -> None:
        nonlocal cursor
        item = read_item(message)
        ids.append(item.item_id)
        cursor = item.cursor
        gaps["wrong payload"] += item.payload != _payload(item.item_id)

    def control_received(control: dict[str, Any]) -> None:
        nonlocal cursor
        gaps[control.get("gap") or ""] += 1
        if control.get("state") == "live":
            if control["cursor"] is not None:
                cursor = base64url.decode(control["cursor"], 16)
            link.report("ready")

    def make() -> Device:
        device = mail_device(target, seed, 1000)
        device.mailbox = cursor
        device.received, device.control_received = received, control_received
        return device

    await admitted(make)
    await link.order()
    link.report((ids, cursor, {name: count for name, count in gaps.items() if name and count}))


@dataclass
class _Seen:
    """What devices have seen of all rounds so far."""

    answered: list[bytes] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)
    """Of the last round."""
    repeated: int = 0
    followed: list[bytes] = field(default_factory=list)
    """What a device got that keeps its cursor."""
    cursor: bytes = b""
    faults: Counter[str] = field(default_factory=Counter)

    async def stop(self, writers: Helper, follower: Helper) -> None:
        """Take what devices have seen in a round."""
        self.repeated += len(self.unanswered)
        answered, self.unanswered = await writers.ask("stop")
        self.answered += answered
        await self.follow(follower)

    async def follow(self, follower: Helper) -> None:
        """Take what the follower has read."""
        ids, self.cursor, faults = await follower.ask("stop")
        self.followed += ids
        self.faults.update(faults)

    def compare(self, kept: list[bytes]) -> str:
        """Compare with `kept`, the items that are stored at the end; return a report."""
        answered, followed = set(self.answered), self.followed
        return (
            f"{len(self.answered)} PUTs answered, {len(answered - set(kept))} lost, "
            f"{_repetitions(kept)} stored twice, {_repetitions(self.answered)} answered twice; "
            f"{self.repeated} repeated after a kill; {len(set(kept) - answered)} stored without "
            f"an answer; a device with a cursor got {len(followed)} of {len(kept)} items, "
            f"{'in order' if followed == kept else 'NOT in order'}, {_repetitions(followed)} "
            f"twice; {dict(self.faults) or 'no gap, none wrong'}"
        )


def _repetitions(ids: list[bytes]) -> int:
    return len(ids) - len(set(ids))


async def kills(terms: Terms) -> None:
    """What was answered is there, once, and a device that keeps its cursor gets each item once."""
    seed, chance = secrets.token_bytes(32), random.Random(terms.times)
    seen, read = _Seen(), _Seen()
    with ExitStack() as stack:
        box = MailboxStage(stack, terms, "--drain-seconds", "1")
        # At the last end what is under way is answered, and read.
        for end in [signal.SIGKILL] * _KILLS + [signal.SIGTERM]:
            async with (
                Helper(_follow, box.target, seed, seen.cursor) as follower,
                Helper(_put, box.target, seed, seen.unanswered) as writers,
            ):
                writers.order("go")
                await sleep(chance.random() * _ROUND_SECONDS)
                box.stage.relay.process.send_signal(end)
                box.stage.relay.process.communicate()
                await seen.stop(writers, follower)
            box.stage.again()
        async with Helper(_follow, box.target, seed, seen.cursor) as follower:
            await seen.follow(follower)
        async with Helper(_follow, box.target, seed, b"") as reader:
            await read.follow(reader)
    report(f"mailbox kills, {terms.scheme}: {_KILLS} kills, {seen.compare(read.followed)}")
