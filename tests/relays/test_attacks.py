"""Strangers fill HAProxy's table of channels: those that have devices stay together."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.relays import strangers
from tests.relays.cluster import CHANNELS, TAGS, Cluster, running_cluster
from tests.relays.haproxy import HAProxy
from tests.relays.member import Member
from tests.relays.test_can_fail import NO_ANNOUNCEMENTS

Figure = Callable[[str], None]
TABLE = 300
"""Entries, so that few strangers fill it."""
SMALL_TABLE = {r"type string len 44 size \d+": f"type string len 44 size {TABLE}"}
NOBODYS_PORT = 1
NEW_CHANNELS = range(1000, 1200)


def entries(proxy: HAProxy, table: str) -> int:
    """How many a table of HAProxy has."""
    found = re.search(r"used:(\d+)", proxy.say(f"show table {table}"))
    assert found
    return int(found[1])


async def half_leave(cluster: Cluster) -> list[Member]:
    """One device of each channel goes, and comes back when its port is set."""
    away = cluster.members[:: len(TAGS)]
    for member in away:
        member.port = NOBODYS_PORT
        member.come_back()
    await cluster.until(lambda: not any(member.device for member in away), "they have left")
    return away


async def fill_table(proxy: HAProxy, figure: Figure) -> None:
    """Push the entries of all channels out of the table of upgrades."""
    await deferToThread(strangers.upgrade, proxy.port, 3 * TABLE)
    await deferToThread(strangers.join, proxy.port, TABLE)
    figure(f"{4 * TABLE} strangers' channels, {entries(proxy, 'relay')} entries in the table")


async def come_back(cluster: Cluster, away: list[Member], proxy: HAProxy) -> None:
    for member in away:
        member.port = proxy.port
    await cluster.until(lambda: all(member.device for member in away), "all are back")
    await cluster.pause(1)


async def attacked_after_a_reload(cluster: Cluster, figure: Figure) -> None:
    """Each channel has one device, known to the process before, when strangers come."""
    # From now on hashes lead elsewhere than channels are.
    await cluster.add_spare()
    cluster.proxy.edit(" disabled$")
    away = await half_leave(cluster)
    await cluster.until(
        lambda: entries(cluster.proxy, "relays/held") == CHANNELS, "all are announced"
    )
    await fill_table(cluster.proxy, figure)
    await cluster.reload()
    await fill_table(cluster.proxy, figure)
    await come_back(cluster, away, cluster.proxy)


@pytest_twisted.ensureDeferred
async def test_strangers_after_a_reload_part_no_channel(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path, edits=SMALL_TABLE) as cluster:
        await attacked_after_a_reload(cluster, figure)
        assert not cluster.of(cluster.spare)
        assert not cluster.separated()
        figure(await cluster.settle())


@pytest_twisted.ensureDeferred
async def test_channels_leave_a_node_while_the_table_is_full(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=SMALL_TABLE) as cluster:
        await fill_table(cluster.proxy, figure)
        node = cluster.nodes["w1"]
        node.send(signal.SIGTERM)
        await cluster.has_ended(node)
        await cluster.together()
        await fill_table(cluster.proxy, figure)
        await cluster.start(node)
        await cluster.is_up("w1")
        await cluster.one_of_each_channel_comes_back()
        assert not cluster.of("w1")
        figure(await cluster.settle())


@pytest_twisted.ensureDeferred
async def test_strangers_at_another_haproxy_part_no_channel(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path, proxies=2, edits=SMALL_TABLE) as cluster:
        _, second = cluster.proxies
        await cluster.add_spare()
        away = await half_leave(cluster)
        await cluster.until(lambda: entries(second, "relays/held") == CHANNELS, "announced")
        # No connection of the second tracks these channels.
        await fill_table(second, figure)
        await come_back(cluster, away, second)
        assert not cluster.of(cluster.spare)
        figure(await cluster.settle())


@pytest_twisted.ensureDeferred
async def test_new_channels_meet_while_the_table_is_full(tmp_path: Path, figure: Figure) -> None:
    async with running_cluster(tmp_path, edits=SMALL_TABLE) as cluster:
        # HAProxy looks at a few of the oldest entries for one to drop, and connections track all.
        await fill_table(cluster.proxy, figure)
        cluster.add_channels(NEW_CHANNELS)
        await cluster.together()
        await cluster.add_spare()
        await cluster.one_of_each_channel_comes_back()
        assert not cluster.of(cluster.spare)
        figure(await cluster.settle())


@pytest_twisted.ensureDeferred
async def test_without_announcements_strangers_part_channels(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=SMALL_TABLE | NO_ANNOUNCEMENTS) as cluster:
        await attacked_after_a_reload(cluster, figure)
        split = cluster.auditor.split_channels
        assert split
        figure(f"{len(split)} of {CHANNELS} channels were parted")
