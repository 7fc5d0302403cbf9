"""The same members and the same auditor find what is wrong with lesser configurations."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest_twisted

from tests.cluster.cluster import running_cluster

Figure = Callable[[str], None]
NO_TABLE = {r"^ *(stick|http-response track-sc0).*\n": ""}
NO_RETRY = {"retry-on conn-failure 503": "retry-on conn-failure"}


@pytest_twisted.ensureDeferred
async def test_without_a_table_an_added_node_splits_channels(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=NO_TABLE) as cluster:
        await cluster.add_spare()
        cluster.some_come_back()
        await cluster.until(lambda: all(member.device for member in cluster.members), "all back")
        await cluster.pause(1)
        assert cluster.auditor.split_channels
        assert cluster.auditor.split_channels == cluster.separated()
        figure(f"{len(cluster.auditor.split_channels)} of 200 channels were split")


@pytest_twisted.ensureDeferred
async def test_without_retries_a_draining_node_keeps_its_devices_waiting(
    tmp_path: Path, figure: Figure
) -> None:
    async with running_cluster(tmp_path, edits=NO_RETRY) as cluster:
        drained = cluster.of("w1")
        cluster.proxy.set_state("w1", "drain")
        cluster.nodes["w1"].send(signal.SIGTERM)
        await cluster.until(lambda: not cluster.nodes["w1"].runs, "w1 has ended")
        await cluster.together()
        refused = [member for member in drained if "503" in str(member.troubles)]
        assert refused
        figure(f"{len(refused)} of {len(drained)} devices were refused with 503")
