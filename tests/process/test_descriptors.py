"""A relay process whose descriptors run out: members unharmed, one line, and it recovers."""

import resource
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.process.crowd import HEAD, ask, crowd
from tests.process.devices import joined
from tests.process.page_client import Connection, Identity
from tests.process.processes import RunningRelay, running_relay

pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="needs prlimit(2) of Linux"
)
SPARE = 20


def descriptors(relay: RunningRelay) -> int:
    return len(list(Path(f"/proc/{relay.process.pid}/fd").iterdir()))


def allow(relay: RunningRelay, number: int) -> None:
    """Change how many files the process may have open."""
    _, maximum = resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (number, maximum))


def until(done: Callable[[], object]) -> None:
    for _ in range(1000):
        if done():
            return
    raise AssertionError("it never came to that")


def test_members_go_on_and_others_are_told_at_once_until_there_is_room() -> None:
    with running_relay() as relay:
        url = f"ws://localhost:{relay.port}"
        with joined(url) as (first, _), joined(url, device=b"device-b") as (second, theirs):
            first.recv()
            allow(relay, descriptors(relay) + SPARE)
            with crowd(relay.port, 3 * SPARE):
                answers = [ask(relay.port) for _ in range(SPARE)]
                assert b"" in answers, "closed as they came"
                to = theirs["session"].to_bytes(4, "big")
                for id in range(10):
                    first.send(b"\x10\0\0\0" + to + b"\0\0\0\x01" + bytes(3) + bytes([id]))
                    assert second.recv()[-1] == id
            until(lambda: ask(relay.port).startswith(b"HTTP/1.1 200 OK"))
        status, log = relay.stop()
    assert status == 0
    lines = [line for line in log.splitlines() if "descriptor" in line]
    assert len(lines) == 1
    assert "Raise the limit of open files (ulimit -n, or LimitNOFILE= in the unit)" in lines[0]
    assert "Traceback" not in log


def test_under_a_low_limit_most_files_are_for_devices() -> None:
    """All places are taken, and there is still somebody to answer."""

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    identities = Identity(), Identity(), Identity()
    with ExitStack() as stack:
        relay = stack.enter_context(
            running_relay("--admin", "tcp:0", "--drain-seconds", "0", preexec_fn=lower)
        )
        for number in range(128):
            device = stack.enter_context(Connection(relay.port))
            device.join(Identity(identities[number // 64].seed))
        answer = ask(relay.port, HEAD)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        with crowd(relay.port, 64):
            assert ask(relay.port).startswith(b"HTTP/1.1 200 OK")
        status, log = relay.stop()
    assert status == 0
    assert " warn  The limit of open files is 1356 too low for --max-connections 1000: " in log
    assert "the relay admits 128 devices" in log
    assert "max-connections=128 " in log
    assert "No file descriptor is left" not in log


def test_a_full_relay_says_when_to_come_back_and_takes_the_next_at_once() -> None:
    with running_relay("--max-connections", "1") as relay:
        url = f"ws://localhost:{relay.port}"
        with joined(url) as (member, _):
            answer = ask(relay.port, HEAD)
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"\r\nRetry-After: 60\r\n" in answer
            assert b"\r\nConnection: close\r\n" in answer
            member.ping().wait(20)
        with joined(url):
            pass
        _, log = relay.stop()
    assert "Traceback" not in log
