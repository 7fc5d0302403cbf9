"""Channels stay together while nodes and HAProxy come and go under them, and lose no message."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted

from tests.cluster.cluster import running_cluster

Figure = Callable[[str], None]


@pytest_twisted.ensureDeferred
async def test_a_killed_node_costs_its_own_members_a_reconnect_and_others_nothing(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path) as cluster:
        hit = cluster.of("w1")
        others = [member for member in cluster.members if member not in hit]
        assert hit
        assert others
        cluster.nodes["w1"].send(signal.SIGKILL)
        took = await cluster.until(
            lambda: all(member.stays > 1 for member in hit) and not cluster.separated(hit),
            "the members of the killed node are together",
        )
        figure(f"{len(hit)} members together on another node {took:.2f} s after kill -9")
        await cluster.settle()
        assert not cluster.of("w1")
        assert {member.stays for member in others} == {1}
        figure(f"{cluster.auditor.arrivals} messages; longest split {cluster.auditor.longest_split():.2f} s")
