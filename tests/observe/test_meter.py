"""Meter: figures of a relay with devices, and of the process."""

import os
import re
from pathlib import Path

from tests.authority import chain, write_pair
from tests.frames import close_frame
from tests.memory import Relay
from vaultrelay.certificates.pair import load_pair
from vaultrelay.observe.meter import Meter, read_process


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
    pair = load_pair(*write_pair(tmp_path, *chain(["relay.test", "b.test"])))
    relay = Relay(pairs=((pair,),), max_connections=9, max_buffer=10**7)
    meter = Meter(relay.service)
    relay.connect()
    relay.connect().upgrade()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    relay.join(b"device-a", seed=bytes(32))
    second.fill_up()
    first.data(bytes(1000))
    relay.clock.advance(12.5)
    found = meter.metrics(0.25)
    assert (found.waiting, found.unjoined, found.joined, found.most_joined) == (1, 1, 3, 9)
    assert (found.channels, found.messages, found.counters.joins) == (2, 1, 3)
    assert found.held > 1000
    assert found.most_held == 10**7
    assert found.uptime_seconds == 12
    assert found.started <= found.now
    assert meter.metrics(0).started == found.started, "a restart is told by its change"
    assert found.lag_seconds == 0.25
    assert [(each.name, each.ends) for each in found.certificates] == [
        ("relay.test", pair.ends.timestamp())
    ]
    assert not found.draining
    assert not found.findings
    relay.broker.drain(5)
    assert meter.metrics(0).draining


def test_the_builds_are_those_that_run() -> None:
    builds = Meter(Relay().service).metrics(0).builds
    assert list(builds) == ["version", "python", "openssl", "twisted"]
    for version in builds.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+\w*", version)


def test_a_process_on_linux_tells_its_memory_and_files() -> None:
    found = read_process()
    assert found.resident_bytes is not None
    assert found.resident_bytes > 10**6
    assert found.open_files is not None
    with Path(os.devnull).open():
        assert read_process().open_files == found.open_files + 1
    assert found.most_files is None or found.most_files > found.open_files
    assert found.cpu_seconds > 0


def test_a_process_without_proc_tells_the_rest(tmp_path: Path) -> None:
    found = read_process(tmp_path)
    assert (found.resident_bytes, found.open_files) == (None, None)
    assert found.cpu_seconds > 0
