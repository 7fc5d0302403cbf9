"""What an operator does to a cluster under traffic: drain, upgrade, reload."""

import signal
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest_twisted
from twisted.internet.defer import ensureDeferred

from tests.relays.cluster import NODES, Cluster, running_cluster
from tests.relays.member import Member

Figure = Callable[[str], None]
RESTART = "closed with 4000 restart"
NEW_CHANNELS = range(1000, 1100)
RELOADS = 3
_PAUSE_SECONDS = 0.01


async def take_out(cluster: Cluster, node: str) -> float:
    """Drain a node until it has ended; how many seconds that took."""
    for proxy in cluster.proxies:
        proxy.set_state(node, "drain")
    cluster.nodes[node].send(signal.SIGTERM)
    took = await cluster.has_ended(cluster.nodes[node])
    await cluster.together()
    for proxy in cluster.proxies:
        proxy.set_state(node, "maint")
    return took


async def put_back(cluster: Cluster, node: str) -> None:
    """Start a node again, and let it have new channels."""
    await cluster.start(cluster.nodes[node])
    for proxy in cluster.proxies:
        proxy.set_state(node, "ready")
    await cluster.is_up(node)


def ends(members: Iterable[Member]) -> set[str]:
    """How connections ended that had stood."""
    troubles = {each for member in members for each in member.troubles}
    return {each for each in troubles if each.startswith("closed with")}


@pytest_twisted.ensureDeferred
async def test_a_node_is_drained_and_put_back(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path) as cluster:
        drained, others = cluster.of("w1"), cluster.of("w2") + cluster.of("w3")
        took = await take_out(cluster, "w1")
        figure(f"{len(drained)} devices left a draining node within {took:.1f} s")
        assert not cluster.of("w1")
        # One reconnect each, and nobody heard the 503 of the node that they came back to.
        assert {member.stays for member in drained} == {2}
        assert ends(drained) == {RESTART}
        assert not [member for member in drained if "draining" in str(member.troubles)]
        await put_back(cluster, "w1")
        await cluster.one_of_each_channel_comes_back()
        assert not cluster.of("w1")
        cluster.add_channels(NEW_CHANNELS)
        figure(await cluster.settle())
        assert cluster.of("w1")
        assert {member.stays - member.came_back for member in others} == {1}


@pytest_twisted.ensureDeferred
async def test_every_node_is_restarted_one_after_another(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path) as cluster:
        for name in NODES:
            # As `systemctl restart` does, and HAProxy is told nothing.
            node = cluster.nodes[name]
            node.send(signal.SIGTERM)
            await cluster.has_ended(node)
            await cluster.start(node)
        figure(await cluster.settle())
        assert ends(cluster.members) == {RESTART}
        # Those of one node may have gone to one that was yet to be restarted.
        assert max(member.stays for member in cluster.members) <= len(NODES) + 1


@pytest_twisted.ensureDeferred
async def test_haproxy_is_reloaded_while_devices_come_and_go(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        # From now on hashes lead elsewhere than channels are: only the table knows.
        await cluster.add_spare()
        cluster.proxy.edit(" disabled$")
        staying = cluster.members[: len(cluster.members) // 2]
        restless = cluster.members[len(staying) :: 2]
        for number in range(1, RELOADS + 1):
            reloading = ensureDeferred(cluster.reload())
            for index, member in enumerate(restless):
                member.come_back()
                cluster.add_channels([1000 * number + index])
                await cluster.pause(_PAUSE_SECONDS)
            await reloading
            await cluster.together()
        figure(await cluster.settle())
        assert cluster.of(cluster.spare)
        assert {member.stays for member in staying} == {1}
