"""Nodes come, go, freeze and return under channels that talk: who notices, and for how long."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted

from tests.relays.cluster import Cluster, running_cluster

Figure = Callable[[str], None]
NEW_CHANNELS = range(1000, 1100)


async def together_again(cluster: Cluster, node: str) -> str:
    """Wait until those of a node that is lost have met elsewhere; how long it took, for people."""
    hit = cluster.of(node)
    assert hit
    took = await cluster.until(
        lambda: not cluster.of(node) and not cluster.separated(hit), "they have met elsewhere"
    )
    return f"{len(hit)} devices were together on another node after {took:.2f} s"


@pytest_twisted.ensureDeferred
async def test_a_killed_node_costs_its_own_devices_a_reconnect_and_others_nothing(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        others = cluster.of("w2") + cluster.of("w3")
        cluster.nodes["w1"].send(signal.SIGKILL)
        figure(await together_again(cluster, "w1"))
        figure(await cluster.settle())
        assert {member.stays for member in others} == {1}


@pytest_twisted.ensureDeferred
async def test_a_dead_node_that_returns_takes_new_channels_and_no_others(tmp_path: Path) -> None:
    async with running_cluster(tmp_path) as cluster:
        cluster.nodes["w1"].send(signal.SIGKILL)
        await together_again(cluster, "w1")
        await cluster.is_up("w1", status="DOWN")
        stays = [member.stays for member in cluster.members]
        cluster.nodes["w1"].start()
        await cluster.is_up("w1")
        await cluster.pause(1)
        assert [member.stays for member in cluster.members] == stays
        await cluster.one_of_each_channel_comes_back()
        assert not cluster.of("w1")
        cluster.add_channels(NEW_CHANNELS)
        await cluster.settle()
        assert cluster.of("w1")


@pytest_twisted.ensureDeferred
async def test_a_node_that_was_added_takes_new_channels_and_no_others(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        await cluster.add_spare()
        await cluster.pause(1)
        assert {member.stays for member in cluster.members} == {1}
        await cluster.one_of_each_channel_comes_back()
        assert not cluster.of(cluster.spare)
        cluster.add_channels(NEW_CHANNELS)
        figure(await cluster.settle())
        assert cluster.of(cluster.spare)


@pytest_twisted.ensureDeferred
async def test_a_frozen_node_is_cut_off_by_its_health_check(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path) as cluster:
        others = cluster.of("w2") + cluster.of("w3")
        cluster.nodes["w1"].send(signal.SIGSTOP)
        figure(await together_again(cluster, "w1"))
        cluster.nodes["w1"].send(signal.SIGCONT)
        await cluster.is_up("w1")
        figure(await cluster.settle())
        assert not cluster.of("w1")
        assert {member.stays for member in others} == {1}
