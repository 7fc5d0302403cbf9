"""Sockets that a service manager passed: found, asked what they are, and left as they are."""

import os
import socket
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import inlineCallbacks
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from tests.transport.hubs import running_hub
from vaultrelay.transport import inherited_sockets
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.inherited_sockets import DOMAINS
from vaultrelay.transport.listening_service import ListeningService
from vaultrelay.transport.pending_connections import PendingConnections


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


SECONDS = 10
Pass = Callable[..., None]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Lets sockets and files be those that were passed, by their names."""

    def passes(*passed: Any, names: str = "") -> None:
        given = names.split() or ["relay"] * len(passed)
        found = tuple((each.fileno(), name) for each, name in zip(passed, given, strict=True))
        monkeypatch.setattr(inherited_sockets, "passed_sockets", lambda: found)

    return passes


def sockets(stack: ExitStack, folder: Path) -> dict[str, socket.socket]:
    """One of each family, listening."""
    made = {
        "INET": socket.create_server(("127.0.0.1", 0)),
        "INET6": socket.create_server(("::1", 0), family=socket.AF_INET6),
        "dual": socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True),
        "UNIX": socket.socket(socket.AF_UNIX),
    }
    made["UNIX"].bind(str(folder / "relay.sock"))
    made["UNIX"].listen(1)
    for each in made.values():
        stack.enter_context(each)
    return made


class Noting(Protocol):
    """Says where its peer comes from, and hangs up."""

    def connectionMade(self) -> None:
        self.factory.peers.append(self.transport.getPeer())  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        pass


def dial(family: int, address: Any) -> bytes:
    with socket.socket(family) as client:
        client.settimeout(SECONDS)
        client.connect(address)
        return client.recv(1)


@pytest.mark.parametrize("domain", [*DOMAINS, ""])
@pytest.mark.parametrize("kind", ["INET", "INET6", "dual", "UNIX"])
@inlineCallbacks
def test_the_socket_says_itself_what_it_is(
    hub: Hub, stack: ExitStack, passes: Pass, tmp_path: Path, kind: str, domain: str
) -> Generator[Any, Any, None]:
    """Whatever the string says, the address of a client is its own."""
    passed = sockets(stack, tmp_path)[kind]
    passes(passed)
    says = f"domain={domain}:" if domain else ""
    factory: Any = Factory.forProtocol(Noting)
    factory.peers = []
    listening = read_endpoint(hub.reactor, f"systemd:{says}index=0")
    service = ListeningService("-", listening, factory, PendingConnections(hub.reactor), hub)
    service.privilegedStartService()
    family, where = passed.family, passed.getsockname()
    if kind == "dual":
        family, where = socket.AF_INET, ("127.0.0.1", where[1])
    yield deferToThread(dial, family, where)
    (peer,) = factory.peers
    if kind == "UNIX":
        assert isinstance(peer, UNIXAddress)
    else:
        assert isinstance(peer, IPv4Address if kind == "INET" else IPv6Address)
        assert peer.host == {"INET": "127.0.0.1", "INET6": "::1", "dual": "::ffff:127.0.0.1"}[kind]
    yield service.stopService()
    # The next relay finds it as this one did.
    assert passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    with socket.socket(family) as another:
        another.settimeout(SECONDS)
        another.connect(where)
        passed.accept()[0].close()


@inlineCallbacks
def test_a_unix_socket_keeps_its_file_its_mode_and_its_queue(
    hub: Hub, stack: ExitStack, passes: Pass, tmp_path: Path
) -> Generator[Any, Any, None]:
    passed = sockets(stack, tmp_path)["UNIX"]
    path = tmp_path / "relay.sock"
    path.chmod(0o660)
    passes(passed)
    for _ in range(2):
        factory = Factory.forProtocol(Protocol)
        listening = read_endpoint(hub.reactor, "systemd:index=0")
        service = ListeningService("-", listening, factory, PendingConnections(hub.reactor), hub)
        service.privilegedStartService()
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        port: Any = service.port
        # Nobody is taken, so that the queue fills.
        hub.reactor.removeReader(port)
        with ExitStack() as clients:
            # Its backlog was 1, which takes two.
            for _ in range(2):
                client = clients.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(str(path))
            another = clients.enter_context(socket.socket(socket.AF_UNIX))
            another.setblocking(False)
            with pytest.raises(BlockingIOError):
                another.connect(str(path))
            yield service.stopService()
        assert path.is_socket()
        for _ in range(2):
            passed.accept()[0].close()


def test_a_socket_of_another_family_is_refused(
    stack: ExitStack, passes: Pass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of virtual machines, AF_VSOCK, which not every kernel has."""
    monkeypatch.setattr(inherited_sockets, "DOMAINS", ("INET", "INET6"))
    passes(sockets(stack, tmp_path)["UNIX"])
    said = "names a socket that is neither TCP nor a unix socket"
    assert refusal_of("systemd:domain=INET:index=0") == said


def test_a_refusal_leaves_no_descriptor(stack: ExitStack, passes: Pass) -> None:
    passes(stack.enter_context(open(os.devnull)))  # noqa: PTH123, SIM115
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    refusal_of("systemd:index=0")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def refusal_of(text: str) -> str:
    with pytest.raises(BadEndpoint) as caught:
        read_endpoint(None, text)
    return str(caught.value)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("datagrams", "names a socket that is not a stream socket: use ListenStream="),
        ("unix datagrams", "names a socket that is not a stream socket: use ListenStream="),
        ("packets", "names a socket that is not a stream socket: use ListenStream="),
        ("bound", "names a socket that does not listen"),
        ("connection", "names a socket that does not listen: it may be a connection, so use"),
        ("file", "names a descriptor that is not a socket"),
        ("pipe", "names a descriptor that is not a socket"),
        ("closed", "names a descriptor that is not a socket"),
    ],
)
def test_what_cannot_be_listened_on_is_refused(
    stack: ExitStack, passes: Pass, kind: str, said: str, domain: str
) -> None:
    made: Any
    if kind == "bound":
        made = stack.enter_context(socket.socket())
        made.bind(("127.0.0.1", 0))
    elif kind == "connection":
        made, other = socket.socketpair()
        stack.enter_context(other)
    elif kind == "file":
        made = stack.enter_context(open(os.devnull))  # noqa: PTH123, SIM115
    elif kind == "pipe":
        made, writing = map(os.fdopen, os.pipe())
        stack.enter_context(writing)
    elif kind == "closed":
        number = os.dup(0)
        os.close(number)
        made = SimpleNamespace(fileno=lambda: number)
    else:
        family = socket.AF_INET if kind == "datagrams" else socket.AF_UNIX
        made = socket.socket(
            family, socket.SOCK_SEQPACKET if kind == "packets" else socket.SOCK_DGRAM
        )
    if kind != "closed":
        stack.enter_context(made)
    passes(made)
    assert refusal_of(f"systemd:domain={domain}:index=0").startswith(said)
    assert refusal_of(f"haproxy:systemd:{domain}:name=relay").startswith(said)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            "index=2",
            "has an index that systemd did not pass; it passed index 0 (name web), ",
        ),
        ("index=-1", "has an index that systemd did not pass"),
        ("index=99999999999999999999", "has an index that systemd did not pass"),
        ("index=first", "has an index that systemd did not pass"),
        ("index=", "has an empty index; give it a value, or remove it"),
        ("name=relay", "has a name that systemd did not pass; it passed index 0 (name web), index"),
        ("name=", "has an empty name; give it a value, or remove it"),
        ("domain=INET", "needs either index= or name=, but not both"),
        ("index=0:name=web", "needs either index= or name=, but not both"),
        ("domain=IPV4:index=0", "has a domain that is not one of INET, INET6, UNIX"),
        ("domain=inet:index=0", "has a domain that is not one of INET, INET6, UNIX"),
        ("index=0:family=INET", "has a part that systemd: does not accept"),
    ],
)
def test_a_string_for_another_socket_names_those_that_there_are(
    stack: ExitStack, passes: Pass, tmp_path: Path, rest: str, said: str
) -> None:
    made = sockets(stack, tmp_path)
    passes(made["INET"], made["UNIX"], names="web admin")
    assert refusal_of(f"systemd:{rest}").startswith(said)


def test_a_name_of_two_sockets_is_none_of_either(
    stack: ExitStack, passes: Pass, tmp_path: Path
) -> None:
    """A socket unit with two ListenStream= gives both one name; one of them would stay deaf."""
    made = sockets(stack, tmp_path)
    passes(made["INET"], made["INET6"], names="relay relay")
    assert refusal_of("systemd:name=relay") == (
        "has a name that several sockets share: use index= instead, one of index 0 (name relay), "
        "index 1 (name relay)"
    )


OURS = str(os.getpid())


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}, ((3, "a"), (4, "b"))),
        # As systemd-socket-activate starts it.
        ({"LISTEN_FDS": "2"}, ((3, "unknown"), (4, "unknown"))),
        ({"LISTEN_FDS": "1", "LISTEN_FDNAMES": ""}, ((3, "unknown"),)),
        ({"LISTEN_FDS": "0"}, ()),
        ({"LISTEN_FDS": "many"}, ()),
        ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"}, ()),
        ({}, ()),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, ()),
    ],
)
def test_the_variables_say_what_was_passed(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    found: tuple[tuple[int, str], ...],
) -> None:
    given = {"LISTEN_PID": OURS} | environment
    monkeypatch.setattr(inherited_sockets, "start_environment", lambda: given)
    assert inherited_sockets.passed_sockets.__wrapped__() == found


def test_sockets_for_another_process_say_so(monkeypatch: pytest.MonkeyPatch, passes: Pass) -> None:
    passes()
    assert refusal_of("systemd:index=0") == (
        "names a socket that systemd did not pass to this process"
    )
    monkeypatch.setattr(inherited_sockets, "start_environment", lambda: {"LISTEN_PID": "1"})
    assert refusal_of("systemd:index=0").endswith(
        "LISTEN_PID names another process, '1'. Start the relay with exec"
    )


def test_the_environment_is_that_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twisted takes the variables out of os.environ as it is imported."""
    monkeypatch.delenv("PATH")
    assert "PATH" in inherited_sockets.start_environment()

    def fail(path: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert inherited_sockets.start_environment() is os.environ
