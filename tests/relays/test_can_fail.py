"""The same members and the same auditor find what is wrong with lesser configurations."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted

from tests.relays.cluster import CHANNELS, Cluster, running_cluster

Figure = Callable[[str], None]
NO_TABLE = {
    r"^ *(stick |stick-table type str|tcp-response |http-response |acl (allowed|known) ).*\n": ""
}
NO_ANNOUNCEMENTS = {r"^ *stick match .* table relays/held .*\n": ""}
NO_PEERS = {" peers haproxies$": ""} | NO_ANNOUNCEMENTS
NO_RETRY = {"retry-on conn-failure 503": "retry-on conn-failure"}


async def found_split(cluster: Cluster) -> str:
    """Let one device of each channel come back, and the auditor find what they came to."""
    before = {member: member.stays for member in cluster.members}
    some = cluster.some_come_back()
    await cluster.until(lambda: all(each.stays > before[each] for each in some), "all are back")
    await cluster.pause(1)
    split = cluster.auditor.split_channels
    assert split
    assert split == cluster.separated()
    return f"{len(split)} of {CHANNELS} channels were split"


@pytest_twisted.ensureDeferred
async def test_without_a_table_an_added_node_splits_channels(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=NO_TABLE) as cluster:
        await cluster.add_spare()
        figure(await found_split(cluster))


@pytest_twisted.ensureDeferred
async def test_without_any_peers_a_reload_splits_channels(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path, edits=NO_PEERS) as cluster:
        await cluster.add_spare()
        cluster.proxy.edit(" disabled$")
        await cluster.reload()
        figure(await found_split(cluster))


@pytest_twisted.ensureDeferred
async def test_without_retries_a_draining_node_keeps_its_devices_waiting(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=NO_RETRY) as cluster:
        drained = cluster.of("w1")
        cluster.proxy.set_state("w1", "drain")
        cluster.nodes["w1"].send(signal.SIGTERM)
        await cluster.has_ended(cluster.nodes["w1"])
        await cluster.together()
        refused = [member for member in drained if "503" in str(member.troubles)]
        assert refused
        figure(f"{len(refused)} of {len(drained)} devices were refused with 503")
