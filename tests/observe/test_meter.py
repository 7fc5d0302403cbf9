"""Meter: metrics of a relay with devices, and of the process."""

import os
import re
import sys
from math import nan
from pathlib import Path
from typing import Any

from tests.authority import chain, write_pair
from tests.frames import close_frame
from tests.memory import Relay
from vaultrelay import __version__
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.native import code
from vaultrelay.observe.meter import Meter, read_process
from vaultrelay.observe.relay_snapshot import Waits
from vaultrelay.observe.sampler import Sampler
from vaultrelay.policy.limits.admin import WARNING_CHARS
from vaultrelay.policy.operator_warning import OperatorWarning


def test_totals_are_those_of_ended_and_of_live_sessions() -> None:
    relay = Relay()
    meter = Meter(relay.service)
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.data(b"1234")
    second.data(b"123456")
    first.data(b"to nobody", to=99)
    assert meter.totals() == (2, 3, 3 * 16 + 4 + 6 + 9, 1)
    second.send(close_frame(1000))
    assert meter.totals() == (1, 3, 3 * 16 + 4 + 6 + 9, 1)
    first.hang_up()
    assert meter.totals() == (0, 3, 3 * 16 + 4 + 6 + 9, 1)


def test_figures_are_those_of_the_moment(tmp_path: Path) -> None:
    pair = load_certificate(*write_pair(tmp_path, *chain(["relay.test", "b.test"])))
    relay = Relay(pairs=((pair,),), max_connections=9, max_buffer=10**7, node_name="w1")
    meter = Meter(relay.service)
    relay.connect()
    relay.connect().upgrade()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    relay.join(b"device-a", seed=bytes(32))
    second.fill_up()
    first.data(bytes(1000))
    relay.clock.advance(12.5)
    sampler = Sampler(relay.clock, meter.totals)
    sampler.history.add(messages=2.5, bytes=nan, lag=0.25)
    found = meter.metrics(sampler)
    status = found.status
    assert NodeStatus.read(status.encode()) == status
    assert (found.pending, found.unjoined, status.devices, status.devices_limit) == (1, 1, 3, 9)
    assert (status.channels, status.messages, status.joins) == (2, 1, 3)
    assert (status.messages_per_second, status.data_bytes_per_second) == (2.5, 0)
    assert status.data_bytes == 1016
    assert status.buffered_bytes > 1000
    assert found.buffer_limit == 10**7
    assert found.waits == {"memory": Waits(0, 0), "core": Waits(0, 0)}
    assert (status.node, status.version, status.state) == ("w1", __version__, "ok")
    assert status.uptime_seconds == 12
    assert found.started <= found.now
    assert found.cpu_seconds > 0
    assert meter.metrics(sampler).started == found.started, "a restart is told by its change"
    assert status.lag_seconds == 0.25
    assert [(each.name, each.ends) for each in found.certificates] == [
        ("relay.test", pair.ends.timestamp())
    ]
    assert found.warnings == []
    assert (status.urgent, status.remarks, status.worst) == (0, 0, "")
    relay.broker.drain(5)
    assert meter.metrics(sampler).status.state == "draining"


def test_the_worst_warning_is_the_first_that_is_urgent(monkeypatch: Any) -> None:
    relay = Relay()
    meter = Meter(relay.service)
    sampler = Sampler(relay.clock, meter.totals)
    urgent = OperatorWarning("certificate", "x" * 2 * WARNING_CHARS, is_urgent=True)
    for warnings, expected in (
        ([OperatorWarning("no_name", "A."), urgent], (1, 1, "x" * WARNING_CHARS)),
        ([OperatorWarning("no_name", "A."), OperatorWarning("open_key", "B.")], (0, 2, "A.")),
    ):
        monkeypatch.setattr(relay.service, "warnings", lambda found=warnings: found)
        status = meter.metrics(sampler).status
        assert (status.urgent, status.remarks, status.worst) == expected
        assert NodeStatus.read(status.encode()) == status


def test_the_builds_are_those_that_run() -> None:
    relay = Relay()
    meter = Meter(relay.service)
    builds = dict(meter.metrics(Sampler(relay.clock, meter.totals)).builds)
    assert builds.pop("code") == code()
    assert list(builds) == ["version", "python", "openssl", "twisted"]
    for version in builds.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+\w*", version)


def test_a_process_on_linux_reports_its_memory_and_files() -> None:
    memory, files, limit = read_process()
    assert memory is not None
    assert memory > 10**6
    assert files is not None
    with Path(os.devnull).open():
        assert read_process()[1] == files + 1
    assert limit is None or limit > files


def test_a_process_without_proc_reports_the_rest(tmp_path: Path) -> None:
    assert read_process(tmp_path)[:2] == (None, None)


def test_where_there_is_no_limit_of_files_none_is_reported(monkeypatch: Any) -> None:
    """Windows has no such module."""
    monkeypatch.setitem(sys.modules, "resource", None)
    assert read_process()[2] is None
