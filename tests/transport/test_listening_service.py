"""Listening: real ports of this machine, picked by it."""

import os
import socket
import ssl
from collections.abc import Generator, Iterator
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENOENT, ENOTDIR
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import ISSLTransport, IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from tests.authority import NAME, issue, write_pair
from tests.transport.hubs import running_hub
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.endpoint_string import read_endpoint
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.listening_service import (
    CannotListen,
    ListeningService,
    OpenSocket,
    describe_port,
)
from vaultrelay.transport.listening_socket import Bindable, Bound, InheritedSocket, TcpAddress
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.plain_stream import PlainStream
from vaultrelay.transport.proxy_stage import ProxyStage
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.stream import Stream
from vaultrelay.transport.tls_handshake import TlsHandshake
from vaultrelay.transport.tls_stream import TlsStream
from vaultrelay.transport.unix_path import UnixPath

LOOPBACK = "127.0.0.1"

Waiting = Generator[Deferred[None], Any, None]
"""What a test returns that waits for the reactor."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        yield taken.getsockname()[1]


def quiet_factory() -> Factory:
    factory = Factory()
    factory.noisy = False
    return factory


def service_of(
    hub: Hub, listening: Endpoint, text: str = "here", factory: Any = None
) -> ListeningService:
    pending = PendingConnections(hub.reactor)
    return ListeningService(text, listening, factory or quiet_factory(), pending, hub)


def service_on(hub: Hub, where: Any, text: str = "here") -> ListeningService:
    return service_of(hub, Endpoint(where), text)


def unix(path: Path, mode: int = 0o660) -> UnixPath:
    return UnixPath(str(path), mode, 5)


def stopped(service: ListeningService) -> Any:
    """What fires when the service has stopped."""
    return service.stopService()


def refusal_of(service: ListeningService, start: str = "startService") -> str:
    """Why a service cannot listen."""
    with pytest.raises(CannotListen) as caught:
        getattr(service, start)()
    assert service.port is None
    assert not service.running
    assert service.stopService() is None
    return str(caught.value)


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
def test_a_service_listens_from_its_start_to_its_stop(hub: Hub, privileged: bool) -> Waiting:
    service = service_on(hub, TcpAddress(LOOPBACK, 0, 5))
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
def test_a_stopped_service_can_be_started_again(hub: Hub) -> Waiting:
    service = service_on(hub, TcpAddress(LOOPBACK, 0, 5))
    for _ in range(2):
        service.startService()
        assert service.port is not None
        yield stopped(service)


def test_a_service_that_is_started_twice_listens_once(hub: Hub) -> None:
    service = service_on(hub, TcpAddress(LOOPBACK, 0, 5))
    service.startService()
    port = service.port
    service.startService()
    assert service.port is port
    service.stopService()
    assert service.stopService() is None


def test_a_service_that_never_listened_stops_at_once(hub: Hub) -> None:
    service = service_on(hub, TcpAddress(LOOPBACK, 0, 5))
    assert service.stopService() is None


@pytest.mark.parametrize("start", ["startService", "privilegedStartService"])
def test_a_taken_port_stops_the_start_in_a_clear_sentence(
    hub: Hub, taken_port: int, start: str
) -> None:
    text = f"port {taken_port} of {LOOPBACK}"
    service = service_on(hub, TcpAddress(LOOPBACK, taken_port, 5), text)
    said = refusal_of(service, start)
    assert said.startswith(f"cannot listen on {text}: address already in use; stop the program")


def test_an_address_of_another_machine_is_named(hub: Hub) -> None:
    service = service_on(hub, TcpAddress("192.0.2.1", 0, 5), "tcp:0")
    assert refusal_of(service).startswith("cannot listen on tcp:0: cannot assign requested address")


def test_a_unix_socket_in_a_missing_folder_is_named(hub: Hub, tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "relay.sock")
    service = service_on(hub, unix(Path(path)), f"unix:{path}")
    said = refusal_of(service)
    assert (
        said == f"cannot listen on unix:{path}: no such file or directory; create its folder first"
    )


@inlineCallbacks
def test_a_unix_socket_is_removed_at_the_stop(hub: Hub, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    service = service_on(hub, unix(path))
    service.startService()
    assert path.is_socket()
    yield stopped(service)
    assert not path.exists()


@inlineCallbacks
def test_a_socket_of_a_killed_relay_is_taken_over_whoever_has_its_number_now(
    hub: Hub, tmp_path: Path
) -> Waiting:
    path = tmp_path / "relay.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    (tmp_path / "relay.sock.lock").symlink_to(str(os.getpid()))
    service = service_on(hub, unix(path))
    service.startService()
    with socket.socket(socket.AF_UNIX) as device:
        device.connect(str(path))
    yield stopped(service)


@inlineCallbacks
def test_a_socket_on_which_somebody_listens_is_left_to_him(hub: Hub, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    first = service_on(hub, unix(path))
    first.startService()
    second = service_on(hub, unix(path), f"haproxy:unix:{path}")
    assert refusal_of(second).endswith(
        "cannot acquire lock; stop the other relay that uses this socket"
    )
    assert path.is_socket()
    yield stopped(first)


@inlineCallbacks
def test_a_unix_socket_is_at_no_moment_wider_than_its_mode(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Waiting:
    path, before = tmp_path / "relay.sock", []
    chmod = os.chmod

    def observe(file: Path, mode: int, **rest: bool) -> None:
        before.append(path.stat().st_mode & 0o777)
        chmod(file, mode, **rest)

    monkeypatch.setattr(os, "chmod", observe)
    umask = os.umask(0)
    try:
        service = service_of(hub, read_endpoint(hub.reactor, f"unix:{path}"))
        service.startService()
    finally:
        after = os.umask(umask)
    assert (before, path.stat().st_mode & 0o777, after) == ([0o600], 0o660, 0)
    yield stopped(service)


@inlineCallbacks
def test_a_unix_socket_that_everybody_may_dial_is_recognized(hub: Hub, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    service = service_on(hub, unix(path))
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
    hub: Hub, tmp_path: Path, is_abstract: bool
) -> Waiting:
    path = tmp_path / "relay.sock"
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(f"\0{path}" if is_abstract else str(path))
        passed.listen()
        if not is_abstract:
            path.chmod(0o666)
        where = InheritedSocket(passed.fileno())
        service = service_of(hub, Endpoint(where, is_inherited=True))
        service.startService()
        found = OpenSocket(
            f"@{path}" if is_abstract else str(path), None if is_abstract else 0o666, True
        )
        assert service.open_socket == found
        yield stopped(service)
    assert is_abstract or path.is_socket()


def test_a_port_of_tcp_is_no_open_socket(hub: Hub) -> None:
    assert service_on(hub, TcpAddress("", 0, 5)).open_socket is None


def test_a_file_that_is_no_socket_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    path.write_text("precious")
    refusal_of(service_on(hub, unix(path)))
    assert path.read_text() == "precious"


def test_a_descriptor_that_is_no_socket_is_refused(hub: Hub, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        assert "non-socket" in refusal_of(service_on(hub, InheritedSocket(file.fileno())))


class Failing(Bindable):
    """A place that cannot be bound, for a given reason."""

    def __init__(self, trouble: Exception) -> None:
        self._trouble = trouble

    def bind(self) -> Bound:
        raise self._trouble


@implementer(IStreamServerEndpoint)
class TwistedEndpoint:
    """A plugin's endpoint, whose listening ends as given."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def listen(self, protocolFactory: object) -> Any:
        return self._outcome


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(EADDRINUSE, "Address already in use"), "address already in use; stop the program"),
        (OSError(EADDRNOTAVAIL, "No"), "no; use an address of this machine"),
        (PermissionError(EACCES, "Permission denied"), "permission denied; use a port of 1024"),
        (OSError(EMFILE, "Too many open files"), "too many open files"),
        (OverflowError("bind(): port must be 0-65535."), "bind(): port must be 0-65535."),
        (TypeError("encoding of hostname failed"), "encoding of hostname failed"),
        (ValueError(), "valueerror"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "name or service not known; use an IP address of this machine as the interface",
        ),
    ],
)
def test_every_failure_says_why(hub: Hub, error: Exception, said: str) -> None:
    assert refusal_of(service_on(hub, Failing(error), "tcp:80")).startswith(
        f"cannot listen on tcp:80: {said}"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CannotListenError(None, "/x", OSError(98, "Address already in use")), "address already"),
        (CannotListenError(None, "/x", "Cannot acquire lock"), "cannot acquire lock"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (OverflowError("bind(): port must be 0-65535."), "bind(): port must be 0-65535."),
        (
            CannotListenError(None, "/x", socket.gaierror(-2, "Name or service not known")),
            "name or service not known; use an IP address of this machine as the interface",
        ),
        (KeyError(), "keyerror"),
    ],
)
def test_every_failure_of_an_endpoint_of_twisteds_says_why(
    hub: Hub, error: Exception, said: str
) -> None:
    service = service_on(hub, TwistedEndpoint(fail(error)), "tcp:80")
    assert refusal_of(service).startswith(f"cannot listen on tcp:80: {said}")


@pytest.mark.parametrize("host", ["name.invalid", "\udc80", "x" * 300, "::1%none", "1:2"])
def test_a_host_that_is_none_is_no_traceback(hub: Hub, host: str) -> None:
    assert refusal_of(service_on(hub, TcpAddress(host, 0, 5), "tcp:0")).startswith(
        "cannot listen on tcp:0: "
    )


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (
            EADDRINUSE,
            "stop the program that listens there, or remove the file if it is not a socket",
        ),
        (ENOTDIR, "a part of its path is not a folder"),
        (ENOENT, "create its folder first"),
        (EACCES, "let the relay's user create files in its folder"),
    ],
)
@pytest.mark.parametrize("before", ["", "haproxy:"])
def test_each_failure_of_a_unix_socket_has_its_cure(
    hub: Hub, number: int, cure: str, before: str
) -> None:
    service = service_on(hub, Failing(OSError(number, "No")), f"{before}unix:/x")
    assert refusal_of(service).endswith(f": no; {cure}")


def test_a_service_keeps_the_port_that_its_endpoint_gave(hub: Hub) -> None:
    class Port:
        """A plugin's."""

        def stopListening(self) -> str:
            return "stopped"

    port: Any = Port()
    for is_proxied in (False, True):
        endpoint: Any = TwistedEndpoint(succeed(port))
        service = service_of(hub, Endpoint(endpoint, None, is_proxied))
        service.startService()
        assert service.port is port
        stopping: Any = service.stopService()
        assert stopping == "stopped"


def test_a_port_is_shown_by_its_number_where_it_has_one(hub: Hub, tmp_path: Path) -> None:
    for where, said in (
        (TcpAddress(LOOPBACK, 0, 5), "port {} of 127.0.0.1"),
        (unix(tmp_path / "relay.sock"), "open"),
    ):
        service = service_on(hub, where)
        service.startService()
        port: Any = service.port
        assert describe_port(port) == said.format(getattr(port.getHost(), "port", ""))
        service.stopService()


WHERE = TcpAddress(LOOPBACK, 0, 5)
TLS = ServerTls.__new__(ServerTls)
"""Nobody looks into it before a connection comes."""


@pytest.mark.parametrize(
    ("listening", "tls", "is_plain", "is_inherited", "path"),
    [
        (Endpoint(WHERE), None, True, False, ""),
        (Endpoint(WHERE, TLS), TLS, False, False, ""),
        (Endpoint(WHERE, is_proxied=True), None, False, False, ""),
        (Endpoint(WHERE, is_inherited=True), None, True, True, ""),
        (Endpoint(WHERE, unix_path="/run/x"), None, True, False, "/run/x"),
    ],
)
def test_a_service_has_its_endpoint(
    hub: Hub,
    listening: Endpoint,
    tls: ServerTls | None,
    is_plain: bool,
    is_inherited: bool,
    path: str,
) -> None:
    service = service_of(hub, listening)
    found = service.endpoint
    assert (found.tls, found.is_plain, found.is_inherited, found.unix_path) == (
        tls,
        is_plain,
        is_inherited,
        path,
    )


class TestTheStream:
    """What the connections of a listening socket become."""

    @inlineCallbacks
    def of(self, hub: Hub, listening: Endpoint) -> Generator[Any, Any, Any]:
        """The stream of a connection, and the client's end of it."""
        began: Deferred[Any] = Deferred()

        class Noting(Protocol):
            """Notes its transport as it begins."""

            def connectionMade(self) -> None:
                began.callback(self.transport)

        class Asked(Factory):
            """Notes the address that it gets."""

            protocol = Noting
            noisy = False

            def buildProtocol(self, addr: Any) -> Any:
                asked.append(addr)
                return super().buildProtocol(addr)

        asked: list[Any] = []
        service = service_of(hub, listening, factory=Asked())
        service.startService()
        port: Any = service.port
        host = port.getHost()
        is_tcp = hasattr(host, "port")
        with socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX) as client:
            client.connect((host.host, host.port) if is_tcp else host.name)
            stream = yield began
        # A proxy's own address is that of no client.
        assert asked == [None if listening.is_proxied else stream.getPeer()]
        yield stopped(service)
        return stream

    @pytest.mark.parametrize(
        ("tls", "is_proxied", "kind", "stages"),
        [
            (None, False, PlainStream, []),
            (None, True, PlainStream, [ProxyStage]),
            (TLS, False, TlsStream, [TlsHandshake]),
            (TLS, True, TlsStream, [ProxyStage, TlsHandshake]),
        ],
    )
    @inlineCallbacks
    def test_of_tcp(
        self, hub: Hub, tls: ServerTls | None, is_proxied: bool, kind: type, stages: list[type]
    ) -> Waiting:
        listening = Endpoint(WHERE, tls, is_proxied)
        stream = yield self.of(hub, listening)
        assert stages_of(stream) == stages
        assert type(stream) is kind
        assert ISSLTransport.providedBy(stream) is (tls is not None)

    @pytest.mark.parametrize("is_proxied", [False, True])
    @inlineCallbacks
    def test_of_a_unix_socket(self, hub: Hub, tmp_path: Path, is_proxied: bool) -> Waiting:
        listening = Endpoint(unix(tmp_path / "relay.sock"), is_proxied=is_proxied)
        stream = yield self.of(hub, listening)
        assert stages_of(stream) == [ProxyStage] * is_proxied
        assert type(stream) is Stream


def stages_of(stream: Any) -> list[type]:
    """What precedes HTTP on a connection that has sent nothing yet."""
    return [type(stage) for stage in stream._stages]


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
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
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
    service = service_of(hub, read_endpoint(hub.reactor, text), text, factory)
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
