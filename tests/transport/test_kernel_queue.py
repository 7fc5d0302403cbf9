"""What the kernel holds of a connection's output is reported where the kernel reports it."""

import errno
import runpy
import socket
import struct
import sys
from typing import Any

import pytest

from tests.transport.turns import pair_of_sockets
from vaultrelay.transport import kernel_queue
from vaultrelay.transport.kernel_queue import unacknowledged_bytes, waited_in_queue


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not report it")
def test_it_is_what_the_peer_has_not_read() -> None:
    here, there = pair_of_sockets()
    with here, there:
        assert unacknowledged_bytes(here.fileno()) == 0
        here.send(bytes(1000))
        # Linux counts what a unix socket's buffers take, which is more.
        assert unacknowledged_bytes(here.fileno()) >= 1000
        there.recv(1000)
        assert unacknowledged_bytes(here.fileno()) == 0


def test_of_a_closed_socket_nothing_is_known() -> None:
    here, there = pair_of_sockets()
    descriptor = here.fileno()
    there.close()
    here.close()
    assert unacknowledged_bytes(descriptor) == unacknowledged_bytes(-1) == 0


def test_a_system_that_does_not_report_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows, which has no ioctl for it."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    module = runpy.run_path(str(kernel_queue.__file__))
    here, there = pair_of_sockets()
    with here, there:
        here.send(bytes(1000))
        assert module["unacknowledged_bytes"](here.fileno()) == 0


class Accepted:
    """A TCP socket with a given struct tcp_info of the kernel."""

    family = socket.AF_INET

    def __init__(self, info: bytes | OSError) -> None:
        self.info = info

    def getsockopt(self, level: int, name: int, size: int) -> bytes:
        assert (level, name) == (socket.IPPROTO_TCP, socket.TCP_INFO)
        if isinstance(self.info, OSError):
            raise self.info
        return self.info[:size]


def info(state: int, **milliseconds: int) -> bytes:
    """Returns a struct tcp_info up to tcpi_last_ack_recv (linux/tcp.h)."""
    names = ("last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv")
    return struct.pack("=8B9I4I", state, *[9] * 16, *(milliseconds.get(name, 77) for name in names))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports it")
class TestTheWaitInTheQueue:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (info(1, last_data_recv=5500), (5.5, False)),
            (info(8, last_data_recv=5500, last_ack_recv=2), (5.5, True)),
            (info(1)[:40], (0.0, False)),
            (OSError(errno.ENOPROTOOPT, ""), (0.0, False)),
        ],
        ids=["waits", "has left", "an old kernel", "no answer"],
    )
    def test_is_that_since_the_clients_data(
        self, answer: bytes | OSError, expected: tuple[float, bool]
    ) -> None:
        accepted: Any = Accepted(answer)
        assert waited_in_queue(accepted) == expected

    def test_is_known_of_a_real_connection(self) -> None:
        accepted, client = pair_of_sockets(is_tcp=True)
        with accepted, client:
            accepted.setblocking(True)
            client.send(b"x")
            assert accepted.recv(2) == b"x"
            waited, has_left = waited_in_queue(accepted)
            assert waited >= 0
            assert not has_left
            client.close()
            assert accepted.recv(2) == b""
            assert waited_in_queue(accepted)[1]

    def test_is_unknown_of_a_unix_socket(self) -> None:
        here, there = pair_of_sockets()
        with here, there:
            assert waited_in_queue(here) == (0.0, False)
