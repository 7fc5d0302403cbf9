"""What the kernel holds of a connection's output is reported where the kernel reports it."""

import runpy
import sys

import pytest

from tests.transport.turns import pair_of_sockets
from vaultrelay.transport import kernel_queue
from vaultrelay.transport.kernel_queue import unacknowledged_bytes


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
