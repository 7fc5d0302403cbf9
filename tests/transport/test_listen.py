"""Listening: real ports of this machine, picked by it."""

import gc
import os
import socket
import ssl
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.endpoints import (
    AdoptedStreamServerEndpoint,
    TCP4ServerEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread

from tests.authority import NAME, issue, write_pair
from vaultrelay.transport.direct import DirectServer
from vaultrelay.transport.direct_tls import DirectTlsServer
from vaultrelay.transport.direct_unix import DirectUnixServer, ProxiedUnixServer
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.listen import (
    CannotListen,
    Listening,
    ListeningService,
    OpenSocket,
    set_transport,
)
from vaultrelay.transport.proxy_protocol import ProxiedServer, ProxiedTlsServer
from vaultrelay.transport.tls import ServerTls

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

LOOPBACK = "127.0.0.1"

Waiting = Generator[Deferred[None], Any, None]
"""What a test returns that waits for the reactor."""


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        yield taken.getsockname()[1]


def service_on(endpoint: Any, text: str = "here", path: Path | None = None) -> ListeningService:
    factory = Factory()
    factory.noisy = False
    return ListeningService(text, Listening(endpoint, unix_path=str(path or "")), factory)


def stopped(service: ListeningService) -> Any:
    """What fires when the service has stopped."""
    return service.stopService()


def refusal_of(service: ListeningService, start: str = "startService") -> str:
    """Why a service cannot listen."""
    with pytest.raises(CannotListen) as caught:
        getattr(service, start)()
    said = str(caught.value)
    assert service.port is None
    assert not service.running
    # Twisted leaves the socket that it could not use to the collector, which warns of it.
    del caught
    gc.collect()
    return said


def can_be_listened_on(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return False
        return True


@pytest.mark.parametrize("privileged", [False, True])
@inlineCallbacks
def test_a_service_listens_from_its_start_to_its_stop(reactor: Any, privileged: bool) -> Waiting:
    service = service_on(TCP4ServerEndpoint(reactor, 0, interface=LOOPBACK))
    assert service.port is None
    if privileged:
        service.privilegedStartService()
    service.startService()
    port: Any = service.port
    number = port.getHost().port
    assert not can_be_listened_on(number)
    socket.create_connection((LOOPBACK, number)).close()
    yield stopped(service)
    assert service.port is None
    assert not service.running
    assert can_be_listened_on(number)


@inlineCallbacks
def test_a_stopped_service_can_be_started_again(reactor: Any) -> Waiting:
    service = service_on(TCP4ServerEndpoint(reactor, 0, interface=LOOPBACK))
    for _ in range(2):
        service.startService()
        assert service.port is not None
        yield stopped(service)


def test_a_service_that_never_listened_stops_at_once(reactor: Any) -> None:
    service = service_on(TCP4ServerEndpoint(reactor, 0, interface=LOOPBACK))
    assert service.stopService() is None


@pytest.mark.parametrize("start", ["startService", "privilegedStartService"])
def test_a_taken_port_stops_the_start_in_a_clear_sentence(
    reactor: Any, taken_port: int, start: str
) -> None:
    text = f"port {taken_port} of {LOOPBACK}"
    service = service_on(TCP4ServerEndpoint(reactor, taken_port, interface=LOOPBACK), text)
    said = refusal_of(service, start)
    assert said.startswith(f"cannot listen on {text}: address already in use; another program")


def test_an_address_of_another_machine_is_named(reactor: Any) -> None:
    service = service_on(TCP4ServerEndpoint(reactor, 0, interface="192.0.2.1"), "tcp:0")
    assert refusal_of(service).startswith("cannot listen on tcp:0: cannot assign requested address")


def test_a_unix_socket_in_a_missing_folder_is_named(reactor: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "relay.sock")
    service = service_on(UNIXServerEndpoint(reactor, path), f"unix:{path}")
    said = refusal_of(service)
    assert said == f"cannot listen on unix:{path}: no such file or directory; make its folder first"


@inlineCallbacks
def test_a_unix_socket_is_removed_at_the_stop(reactor: Any, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    service = service_on(UNIXServerEndpoint(reactor, str(path)))
    service.startService()
    assert path.is_socket()
    yield stopped(service)
    assert not path.exists()


@inlineCallbacks
def test_a_socket_of_a_killed_relay_is_taken_over_whoever_has_its_number_now(
    reactor: Any, tmp_path: Path
) -> Waiting:
    path = tmp_path / "relay.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    (tmp_path / "relay.sock.lock").symlink_to(str(os.getpid()))
    service = service_on(UNIXServerEndpoint(reactor, str(path), wantPID=1), path=path)
    service.startService()
    with socket.socket(socket.AF_UNIX) as device:
        device.connect(str(path))
    yield stopped(service)


@inlineCallbacks
def test_a_socket_on_which_somebody_listens_is_left_to_him(reactor: Any, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    first = service_on(UNIXServerEndpoint(reactor, str(path), wantPID=1))
    first.startService()
    endpoint = UNIXServerEndpoint(reactor, str(path), wantPID=1)
    second = service_on(endpoint, f"haproxy:unix:{path}", path)
    assert refusal_of(second).endswith("cannot acquire lock; another relay is on this socket")
    assert path.is_socket()
    yield stopped(first)


@inlineCallbacks
def test_a_unix_socket_is_at_no_moment_wider_than_its_mode(
    reactor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Waiting:
    path, before = tmp_path / "relay.sock", []
    chmod = os.chmod

    def observe(file: bytes, mode: int) -> None:
        before.append(path.stat().st_mode & 0o777)
        chmod(file, mode)

    monkeypatch.setattr(os, "chmod", observe)
    umask = os.umask(0)
    try:
        service = service_on(read_endpoint(reactor, f"unix:{path}").endpoint, path=path)
        service.startService()
    finally:
        after = os.umask(umask)
    assert (before, path.stat().st_mode & 0o777, after) == ([0o600], 0o660, 0)
    yield stopped(service)


@inlineCallbacks
def test_a_unix_socket_that_everybody_may_dial_is_recognized(
    reactor: Any, tmp_path: Path
) -> Waiting:
    path = tmp_path / "relay.sock"
    service = service_on(UNIXServerEndpoint(reactor, str(path), mode=0o660))
    assert service.open_socket is None
    service.startService()
    for mode in (0o600, 0o660, 0o664, 0o775):
        path.chmod(mode)
        assert service.open_socket is None
    for mode in (0o666, 0o777, 0o602):
        path.chmod(mode)
        assert service.open_socket == OpenSocket(str(path), mode, False)
    path.rename(tmp_path / "elsewhere")
    assert service.open_socket is None
    (tmp_path / "elsewhere").rename(path)
    yield stopped(service)


@inlineCallbacks
@pytest.mark.parametrize("is_abstract", [False, True])
def test_a_socket_of_systemd_that_everybody_may_dial_is_recognized(
    reactor: Any, tmp_path: Path, is_abstract: bool
) -> Waiting:
    path = tmp_path / "relay.sock"
    passed = socket.socket(socket.AF_UNIX)
    passed.bind(f"\0{path}" if is_abstract else str(path))
    passed.listen()
    if not is_abstract:
        path.chmod(0o666)
    adopted = AdoptedStreamServerEndpoint(reactor, passed.detach(), socket.AF_UNIX)
    service = ListeningService("x", Listening(adopted, is_inherited=True), Factory())
    service.startService()
    found = OpenSocket(
        f"@{path}" if is_abstract else str(path), None if is_abstract else 0o666, True
    )
    assert service.open_socket == found
    yield stopped(service)


def test_a_port_of_tcp_is_no_open_socket(reactor: Any) -> None:
    assert service_on(TCP4ServerEndpoint(reactor, 0)).open_socket is None


def test_a_file_that_is_no_socket_is_left_alone(reactor: Any, tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    path.write_text("precious")
    refusal_of(service_on(UNIXServerEndpoint(reactor, str(path)), path=path))
    assert path.read_text() == "precious"


def test_a_descriptor_that_is_no_socket_is_refused(reactor: Any, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        endpoint = AdoptedStreamServerEndpoint(reactor, file.fileno(), socket.AF_INET)
        assert "non-socket" in refusal_of(service_on(endpoint))


class Endpoint:
    """An endpoint whose listening ends as given."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def listen(self, factory: object) -> Any:
        return self._outcome


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotListenError(None, "/x", OSError(98, "Address already in use")), "address already"),
        (CannotListenError(None, "/x", "Cannot acquire lock"), "cannot acquire lock"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (OverflowError("bind(): port must be 0-65535."), "bind(): port must be 0-65535."),
        (
            CannotListenError(None, "/x", socket.gaierror(-2, "Name or service not known")),
            "name or service not known; name the interface by an IP address of this machine",
        ),
        (KeyError(), "keyerror"),
    ],
)
def test_every_failure_says_why(error: Exception, said: str) -> None:
    service = service_on(Endpoint(fail(error)), "tcp:80")
    assert refusal_of(service).startswith(f"cannot listen on tcp:80: {said}")


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (98, "another program listens there, or what is there is no socket"),
        (20, "what should be its folder is none"),
        (2, "make its folder first"),
        (13, "this user may make no socket in its folder"),
    ],
)
@pytest.mark.parametrize("before", ["", "haproxy:"])
def test_each_failure_of_a_unix_socket_has_its_cure(number: int, cure: str, before: str) -> None:
    error = CannotListenError(None, "/x", OSError(number, "No"))
    service = service_on(Endpoint(fail(error)), f"{before}unix:/x")
    assert refusal_of(service).endswith(f": no; {cure}")


def test_a_service_keeps_the_port_that_its_endpoint_gave() -> None:
    port = object()
    for is_proxied in (False, True):
        endpoint: Any = Endpoint(succeed(port))
        service = ListeningService("here", Listening(endpoint, None, is_proxied), Factory())
        service.startService()
        assert service.port is port


ENDPOINT: Any = Endpoint(None)
TLS = ServerTls.__new__(ServerTls)
"""Nobody looks into it before a connection comes."""


class TestTheTransport:
    """What the connections of a port become."""

    def of(self, port: Any, listening: Listening) -> Any:
        set_transport(port, listening)
        return port.transport

    @pytest.mark.parametrize(
        ("listening", "kind"),
        [
            (Listening(ENDPOINT), DirectServer),
            (Listening(ENDPOINT, is_proxied=True), ProxiedServer),
            (Listening(ENDPOINT, TLS), DirectTlsServer),
            (Listening(ENDPOINT, TLS, is_proxied=True), ProxiedTlsServer),
        ],
    )
    def test_of_tcp(self, listening: Listening, kind: type) -> None:
        reactor: Any = MemoryReactorClock()
        found = self.of(tcp.Port(0, Factory(), reactor=reactor), listening)
        if listening.tls is None:
            assert found is kind
        else:
            assert (found.func, found.args) == (kind, (TLS,))

    @pytest.mark.parametrize(
        ("is_proxied", "kind"), [(False, DirectUnixServer), (True, ProxiedUnixServer)]
    )
    def test_of_a_unix_socket(self, is_proxied: bool, kind: type) -> None:
        reactor: Any = MemoryReactorClock()
        port = unix.Port(b"x", Factory(), reactor=reactor)
        assert self.of(port, Listening(ENDPOINT, is_proxied=is_proxied)) is kind

    def test_of_others_stays_theirs(self) -> None:
        class Other(tcp.Port):
            """A plugin's, with a transport of its own."""

        reactor: Any = MemoryReactorClock()
        port = Other(0, Factory(), reactor=reactor)
        assert self.of(port, Listening(ENDPOINT)) is tcp.Port.transport


class Echo(Protocol):
    """Says what it hears, and who said it."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        peer = self.transport.getPeer()
        self.transport.write(data + b" from " + getattr(peer, "host", "a file").encode())
        self.transport.loseConnection()


def ask(family: int, address: Any, context: ssl.SSLContext | None = None) -> bytes:
    """What a client hears who says something."""
    with socket.socket(family) as end:
        end.settimeout(10)
        end.connect(address)
        client = end if context is None else context.wrap_socket(end, server_hostname=NAME)
        with client:
            client.sendall(b"hello")
            heard = b""
            while data := client.recv(1000):
                heard += data
            return heard


@pytest.mark.parametrize("kind", ["tcp", "tcp6", "ssl", "unix"])
@inlineCallbacks
def test_real_connections_are_served(
    reactor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> Waiting:
    monkeypatch.chdir(tmp_path)
    issued = issue()
    write_pair(tmp_path, issued)
    files = "privateKey=privkey.pem:certKey=fullchain.pem"
    text = {
        "tcp": f"tcp:0:interface={LOOPBACK}",
        "tcp6": r"tcp6:0:interface=\:\:1",
        "ssl": f"ssl:0:interface={LOOPBACK}:{files}",
        "unix": "unix:relay.sock",
    }[kind]
    factory = Factory.forProtocol(Echo)
    factory.noisy = False
    service = ListeningService(text, read_endpoint(reactor, text), factory)
    service.startService()
    port: Any = service.port
    if kind == "unix":
        where: tuple[Any, ...] = (socket.AF_UNIX, "relay.sock")
    else:
        host = port.getHost()
        family = socket.AF_INET6 if kind == "tcp6" else socket.AF_INET
        where = (family, (host.host, host.port))
    if kind == "ssl":
        where = (*where, ssl.create_default_context(cadata=issued.pem.decode()))
    try:
        asking: Any = deferToThread(ask, *where)
        heard: Any = yield asking
    finally:
        yield stopped(service)
    who = {"tcp6": b"::1", "unix": b"a file"}.get(kind, LOOPBACK.encode())
    assert heard == b"hello from " + who
