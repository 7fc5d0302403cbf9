"""Devices of one channel that come at the same moment, or by different HAProxies."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted

from tests.relays.cluster import TAGS, running_cluster

Figure = Callable[[str], None]
TIMES = 100
NOBODYS_PORT = 1
_PAUSE_SECONDS = 0.02


@pytest_twisted.ensureDeferred
async def test_two_devices_that_come_at_the_same_moment_meet(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        for channel in range(1000, 1000 + TIMES):
            cluster.add_channels([channel])
            await cluster.pause(_PAUSE_SECONDS)
        await cluster.together()
        cluster.nodes["w1"].send(signal.SIGKILL)
        # HAProxy does not know it yet, and finds another node for each of them in turn.
        for channel in range(2000, 2000 + TIMES):
            cluster.add_channels([channel])
            await cluster.pause(_PAUSE_SECONDS)
        figure(await cluster.settle())


@pytest_twisted.ensureDeferred
async def test_a_join_that_is_under_way_elsewhere_does_not_part_a_channel(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        late = [member for member in cluster.of("w1") if member.tag == TAGS[1]]
        for member in late:
            member.port = NOBODYS_PORT
        cluster.nodes["w2"].send(signal.SIGSTOP)
        cluster.nodes["w1"].send(signal.SIGKILL)
        # The first of each channel is sent elsewhere, some to the frozen one, and waits for its
        # answer, while the second finds the old node again.
        await cluster.until(lambda: all(member.troubles for member in late), "w1 is lost")
        await cluster.start(cluster.nodes["w1"])
        for member in late:
            member.port = cluster.proxy.port
        await cluster.until(lambda: cluster.of("w1"), "some are back")
        cluster.nodes["w2"].send(signal.SIGCONT)
        figure(await cluster.settle())
        assert cluster.of("w1")


@pytest_twisted.ensureDeferred
async def test_devices_meet_by_whichever_of_two_haproxies_they_come(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, proxies=2) as cluster:
        await cluster.add_spare()
        await cluster.one_of_each_channel_comes_back(by_the_other_proxy=True)
        assert not cluster.of(cluster.spare)
        cluster.nodes["w1"].send(signal.SIGKILL)
        await cluster.until(lambda: not cluster.of("w1"), "w1 is lost")
        await cluster.together()
        await cluster.is_up("w1", status="DOWN")
        cluster.nodes["w1"].start()
        await cluster.is_up("w1")
        await cluster.one_of_each_channel_comes_back(by_the_other_proxy=True)
        assert not cluster.of("w1")
        cluster.add_channels(range(1000, 1000 + TIMES))
        figure(await cluster.settle())
        assert cluster.of("w1")


@pytest_twisted.ensureDeferred
async def test_devices_of_a_dead_haproxy_meet_the_others_by_the_second(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, proxies=2) as cluster:
        await cluster.add_spare()
        first, second = cluster.proxies
        hit = [member for member in cluster.members if member.port == first.port]
        others = [member for member in cluster.members if member.port == second.port]
        first.kill()
        for member in hit:
            member.port = second.port
        await cluster.until(lambda: all(member.stays > 1 for member in hit), "they are back")
        await cluster.together()
        assert not cluster.of(cluster.spare)
        # It comes back with an empty table, and devices at once: the second tells it all.
        first.start()
        await cluster.until(first.worker, "it runs again")
        await cluster.one_of_each_channel_comes_back(by_the_other_proxy=True)
        assert not cluster.of(cluster.spare)
        figure(await cluster.settle())
        assert {member.stays for member in others} == {1}
