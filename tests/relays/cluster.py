"""A cluster under load: HAProxy, nodes, and channels of two members that talk all the time."""

import atexit
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall, deferLater

from tests.relays.auditor import Auditor
from tests.relays.haproxy import HAProxy
from tests.relays.member import Member
from tests.relays.nodes import HOST, Node
from tests.system.fronts import free_port

CHANNELS = 200
NODES = ("w1", "w2", "w3")
TAGS = (b"device-a", b"device-b")
TALK_SECONDS = 1.0
"""Between two messages of one member."""
_BEATS = 50
"""In so many parts of that time, so that not all speak at once."""
PATIENCE_SECONDS = 60
"""A slow machine's. Health checks, drains and back-off take some of it."""
LONGEST_SPLIT_SECONDS = 5.0
"""More than any reconnect takes here, and less than a split that nobody mends."""
_LOOK_SECONDS = 0.02


class Cluster:
    """What runs, who is joined, and what an auditor makes of it."""

    def __init__(self, reactor: Any, folder: Path, proxies: int = 1) -> None:
        self.reactor = reactor
        self.auditor = Auditor(reactor.seconds)
        # More than one HAProxy is for more than one machine.
        over_tcp = proxies > 1
        self.spare = "spare1" if over_tcp else "w4"
        self.nodes = {
            name: Node(folder, name, number, free_port() if over_tcp else 0)
            for number, name in enumerate((*NODES, self.spare), 1)
        }
        shape = [
            "--spare=1",
            *(() if over_tcp else (f"--workers={len(NODES)}", f"--sockets={folder}")),
        ]
        names = [f"lb{number}" for number in range(1, proxies + 1)]
        if over_tcp:
            shape += [f"--node={name}={HOST}:{self.nodes[name].port}" for name in NODES]
            shape += [f"--peer={name}={HOST}:{free_port()}" for name in names]
        self.proxies = []
        for name in names:
            own = (f"--local-peer={name}",) if over_tcp else ()
            self.proxies.append(HAProxy(folder, name, free_port(), *shape, *own))
        self.proxy = self.proxies[0]
        self.members: list[Member] = []
        self._lives: list[Deferred[None]] = []
        self._talk = LoopingCall(self._some_say_something)
        self._beat = 0
        # A test that is interrupted never gets to its end.
        atexit.register(self._end_processes)

    def add_channels(self, numbers: Iterable[int]) -> list[Member]:
        """Two new members of each, which come at the same moment, by one proxy after the other."""
        added = []
        for channel in numbers:
            for index, tag in enumerate(TAGS):
                proxy = self.proxies[index % len(self.proxies)]
                member = Member(self.reactor, self.auditor, proxy.port, channel, tag)
                self._lives.append(ensureDeferred(member.live()))
                added.append(member)
        self.members += added
        return added

    def of(self, node: str) -> list[Member]:
        """The members that are on a node."""
        return [member for member in self.members if member.device and member.node == node]

    def spread(self) -> Counter[str]:
        """How many members are on each node."""
        return Counter(member.node for member in self.members if member.device)

    def separated(self, among: Iterable[Member] | None = None) -> set[int]:
        """Channels whose members are not all there, on one node, and known to each other."""
        meetings: dict[int, list[Member]] = {}
        for member in self.members if among is None else among:
            meetings.setdefault(member.channel, []).append(member)
        return {
            channel
            for channel, members in meetings.items()
            if len({member.node for member in members if member.device}) != 1
            or any(
                member.device is None or len(member.device.peers) != len(members) - 1
                for member in members
            )
        }

    async def together(self, among: Iterable[Member] | None = None) -> None:
        """Until every channel has met."""
        there = None if among is None else list(among)
        await self.until(lambda: not self.separated(there), "all channels are together")

    async def until(self, condition: Callable[[], object], what: str) -> float:
        """Seconds until it holds; AssertionError where it does not."""
        began = self.reactor.seconds()
        while not condition():
            waited = self.reactor.seconds() - began
            assert waited < PATIENCE_SECONDS, f"not so within {waited:.0f} s: {what}: {self}"
            await self.pause(_LOOK_SECONDS)
        return float(self.reactor.seconds() - began)

    def pause(self, seconds: float) -> Deferred[None]:
        """Let time pass."""
        return deferLater(self.reactor, seconds)

    async def is_up(self, *names: str, status: str = "UP") -> None:
        """Until all proxies see these nodes so."""
        for name in names:
            assert status != "UP" or self.nodes[name].runs, self.nodes[name].log
        await self.until(
            lambda: all(
                proxy.worker() and proxy.status(name) == status
                for proxy in self.proxies
                for name in names
            ),
            f"{names} {status}",
        )

    async def start(self, node: Node) -> None:
        """Start a node, and wait until it can be reached."""
        node.start()
        await self.until(lambda: node.listens, f"{node.name} listens")

    async def has_ended(self, node: Node) -> float:
        """Seconds until the process of a node is gone."""
        return await self.until(lambda: not node.runs, f"{node.name} has ended")

    async def add_spare(self) -> None:
        """Start the spare node, and let HAProxy use it."""
        node = self.nodes[self.spare]
        await self.start(node)
        for proxy in self.proxies:
            if node.port:
                proxy.set_address(node.name, HOST, node.port)
            proxy.set_state(node.name, "ready")
        await self.is_up(node.name)

    async def reload(self) -> None:
        """Give HAProxy its changed configuration."""
        before = self.proxy.worker()
        self.proxy.reload()
        await self.until(lambda: self.proxy.worker() not in (0, before), "a new worker")

    def some_come_back(self, by_the_other_proxy: bool = False) -> list[Member]:
        """One device of each channel hangs up, to come back; by the same proxy or by another."""
        some = self.members[:: len(TAGS)]
        for member in some:
            if by_the_other_proxy:
                member.port = next(each.port for each in self.proxies if each.port != member.port)
            member.come_back()
        return some

    async def one_of_each_channel_comes_back(self, by_the_other_proxy: bool = False) -> None:
        """And all must meet again."""
        before = {member: member.stays for member in self.members}
        some = self.some_come_back(by_the_other_proxy)
        await self.until(
            lambda: all(member.stays > before[member] for member in some), "they are back"
        )
        await self.together()

    async def settle(self) -> str:
        """Stop talking, and hold the cluster to its promises; what was seen, for people."""
        if self._talk.running:
            self._talk.stop()
        await self.together()
        await self.until(
            lambda: not any(member.awaits_answers for member in self.members),
            "every message is answered, refused, or one of its ends was closed",
        )
        assert not self.auditor.found()
        assert not self.auditor.split_channels
        assert self.auditor.longest_split() < LONGEST_SPLIT_SECONDS
        assert not [line for node in self.nodes.values() for line in node.complaints]
        return f"{self.auditor.arrivals} messages, {len(self.auditor.splits)} splits for moments"

    def talk(self) -> None:
        """Have all members speak, in turn, from now on."""
        self._talk.clock = self.reactor
        self._talk.start(TALK_SECONDS / _BEATS)

    async def end(self) -> None:
        """Have it all gone."""
        if self._talk.running:
            self._talk.stop()
        for member in self.members:
            member.leave()
        for life in self._lives:
            await life
        self._end_processes()
        atexit.unregister(self._end_processes)

    def __str__(self) -> str:
        troubles = Counter(trouble for member in self.members for trouble in member.troubles)
        return f"{dict(self.spread())}, {len(self.separated())} separated, {dict(troubles)}"

    def _end_processes(self) -> None:
        for proxy in self.proxies:
            proxy.end()
        for node in self.nodes.values():
            node.end()

    def _some_say_something(self) -> None:
        for member in self.members[self._beat % _BEATS :: _BEATS]:
            member.say_something()
        self._beat += 1


@asynccontextmanager
async def running_cluster(
    folder: Path, proxies: int = 1, edits: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Cluster]:
    """A cluster of three nodes whose members have met and talk; all gone at the end.

    `edits` are patterns in the configuration of HAProxy, and what stands there instead.
    """
    from twisted.internet import reactor

    cluster = Cluster(reactor, folder, proxies)
    try:
        for proxy in cluster.proxies:
            for pattern, replacement in edits.items():
                proxy.edit(pattern, replacement)
            proxy.start()
        for name in NODES:
            cluster.nodes[name].start()
        await cluster.is_up(*NODES)
        cluster.add_channels(range(CHANNELS))
        await cluster.together()
        cluster.talk()
        await cluster.pause(TALK_SECONDS)
        yield cluster
    finally:
        await cluster.end()
