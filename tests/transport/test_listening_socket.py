"""Where a relay listens: addresses of TCP, by family, and sockets that it inherits."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from vaultrelay.transport.listening_socket import Bound, InheritedSocket, TcpAddress
from vaultrelay.transport.socket_address import is_unix, twisted_address

LOOPBACK = "127.0.0.1"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def bound(stack: ExitStack, host: str, port: int = 0, backlog: int = 5) -> socket.socket:
    """A new socket that listens there."""
    found = TcpAddress(host, port, backlog).bind()
    found.clean_up()
    return stack.enter_context(found.socket)


def dial(stack: ExitStack, host: str, port: int) -> socket.socket:
    return stack.enter_context(socket.create_connection((host, port), timeout=5))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("", socket.AF_INET),
        ("0.0.0.0", socket.AF_INET),
        (LOOPBACK, socket.AF_INET),
        ("localhost", socket.AF_INET),
        ("::", socket.AF_INET6),
        ("::1", socket.AF_INET6),
        ("::ffff:127.0.0.1", socket.AF_INET6),
        ("::1%1", socket.AF_INET6),
    ],
)
def test_the_address_decides_the_family(
    stack: ExitStack, host: str, family: socket.AddressFamily
) -> None:
    """As for Twisted, whatever the kind of the endpoint string; a name is of IPv4."""
    listening = bound(stack, host)
    assert (listening.family, listening.type) == (family, socket.SOCK_STREAM)
    port = listening.getsockname()[1]
    dial(stack, "::1" if host in ("::1", "::1%1") else LOOPBACK, port)


def test_every_address_of_ipv6_is_every_one_of_ipv4_too(stack: ExitStack) -> None:
    port = bound(stack, "::").getsockname()[1]
    for host in ("::1", LOOPBACK):
        dial(stack, host, port)


def test_it_neither_blocks_nor_is_inherited(stack: ExitStack) -> None:
    listening = bound(stack, LOOPBACK)
    assert not listening.getblocking()
    assert not listening.get_inheritable()


def test_a_port_can_be_listened_on_while_old_connections_end(stack: ExitStack) -> None:
    first = bound(stack, LOOPBACK)
    port = first.getsockname()[1]
    device = dial(stack, LOOPBACK, port)
    first.setblocking(True)
    accepted = first.accept()[0]
    # The side that closes first keeps the port for a minute.
    accepted.close()
    device.close()
    first.close()
    assert bound(stack, LOOPBACK, port).getsockname()[1] == port


@pytest.mark.parametrize("family", ["INET", "INET6"])
def test_what_cannot_be_had_leaves_no_descriptor(stack: ExitStack, family: str) -> None:
    host = LOOPBACK if family == "INET" else "::1"
    taken = bound(stack, host).getsockname()[1]
    before = open_descriptors()
    for where in (
        TcpAddress(host, taken, 5),
        TcpAddress("192.0.2.1" if family == "INET" else "2001:db8::1", 0, 5),
        TcpAddress("name.invalid" if family == "INET" else "::1%none", 0, 5),
    ):
        with pytest.raises(OSError, match=r"\S"):
            where.bind()
    assert open_descriptors() == before


def inherited(stack: ExitStack, passed: socket.socket) -> Bound:
    found = InheritedSocket(passed.fileno()).bind()
    stack.enter_context(found.socket)
    return found


@pytest.mark.parametrize("host", [LOOPBACK, "::1", "a path", "\0abstract"])
def test_an_inherited_socket_is_shared_and_stays(
    stack: ExitStack, tmp_path: Path, host: str
) -> None:
    if host in (LOOPBACK, "::1"):
        passed = bound(stack, host)
    else:
        passed = stack.enter_context(socket.socket(socket.AF_UNIX))
        path = str(tmp_path / "relay.sock")
        passed.bind(f"\0{path}" if host == "\0abstract" else path)
        passed.listen()
    passed.setblocking(True)
    passed.set_inheritable(True)
    own = inherited(stack, passed)
    assert (own.socket.family, own.socket.type) == (passed.family, passed.type)
    assert own.socket.getsockname() == passed.getsockname()
    assert own.socket.fileno() != passed.fileno()
    # The manager's own is the same open socket: it does not block from now on, either.
    assert not own.socket.getblocking()
    assert not os.get_blocking(passed.fileno())
    assert not own.socket.get_inheritable()
    assert not passed.get_inheritable(), "no program that the relay starts has it"
    own.clean_up()
    own.socket.close()
    assert passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    again = inherited(stack, passed)
    with stack.enter_context(socket.socket(passed.family)) as device:
        device.connect(passed.getsockname())
        again.socket.accept()[0].close()


def test_a_descriptor_that_is_no_socket_leaves_none(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        before = open_descriptors()
        with pytest.raises(OSError, match="non-socket"):
            InheritedSocket(file.fileno()).bind()
        assert open_descriptors() == before


@pytest.mark.parametrize(
    ("family", "address", "expected"),
    [
        (socket.AF_INET, (LOOPBACK, 80), IPv4Address("TCP", LOOPBACK, 80)),
        (socket.AF_INET6, ("::1", 80, 0, 0), IPv6Address("TCP", "::1", 80)),
        (socket.AF_UNIX, "/run/x", UNIXAddress(b"/run/x")),
        (socket.AF_UNIX, b"\0x", UNIXAddress(b"\0x")),
        (socket.AF_UNIX, "", UNIXAddress(None)),
    ],
)
def test_twisted_knows_the_address(family: int, address: object, expected: object) -> None:
    assert twisted_address(family, address) == expected
    assert is_unix(family) is (family == socket.AF_UNIX)
