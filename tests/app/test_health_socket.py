"""The health socket: real sockets in a folder of the test's."""

import os
import socket
import stat
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent, globalLogPublisher
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.transport.hubs import running_hub
from vaultrelay.app.health_socket import HealthSocket
from vaultrelay.config.runtime_folder import socket_path
from vaultrelay.policy.limits.pending import UNIX_PATH_BYTES
from vaultrelay.transport.client_budgets import PendingClient
from vaultrelay.transport.hub import Hub
from vaultrelay.transport.route import RouteResult
from vaultrelay.wire.request import Request

Waiting = Generator[Deferred[Any], Any, None]


class Here(Resource):
    isLeaf = True

    def render_GET(self, request: object) -> bytes:
        return b"here"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def health_socket(hub: Hub, folder: Path, *ports: int) -> HealthSocket:
    site = Site(Here())
    site.noisy = False

    def route(request: Request, client: PendingClient) -> RouteResult:
        head = f"GET {request.path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()
        return RouteResult(site.buildProtocol(client.address), head, lasting=False)

    return HealthSocket(
        hub,
        folder=str(folder),
        source="--runtime-folder",
        route=route,
        ports=lambda: list(ports),
        log=hub.log,
    )


def stopped(service: HealthSocket) -> Any:
    """What fires when the service has stopped."""
    return service.stopService()


def get(path: str) -> bytes:
    """What is answered at a socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(path)
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while data := peer.recv(4096):
            answer += data
        return answer


@pytest.fixture
def warnings() -> Generator[list[str], None, None]:
    found: list[str] = []

    def observe(event: LogEvent) -> None:
        if "Cannot create the socket for vault-relay healthcheck" in str(event.get("log_format")):
            found.append(str(event["log_format"]).format(**event))

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


@inlineCallbacks
def test_it_answers_its_own_user_from_start_to_stop(hub: Hub, folder: Path) -> Waiting:
    service = health_socket(hub, folder, 8080)
    service.startService()
    path = folder / "8080.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    answer = yield deferToThread(get, str(path))
    assert answer.endswith(b"here")
    yield stopped(service)
    assert list(folder.iterdir()) == []


@inlineCallbacks
def test_what_a_killed_relay_left_is_replaced(hub: Hub, folder: Path) -> Waiting:
    folder.mkdir(0o700)
    path = socket_path(str(folder), [8080])
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(path)
    service = health_socket(hub, folder, 8080)
    service.startService()
    answer = yield deferToThread(get, path)
    assert answer.endswith(b"here")
    yield stopped(service)


@inlineCallbacks
def test_the_socket_of_a_relay_that_lives_is_left_alone(
    hub: Hub, folder: Path, warnings: list[str]
) -> Waiting:
    first, second = health_socket(hub, folder, 8080), health_socket(hub, folder, 8080)
    first.startService()
    second.startService()
    (said,) = warnings
    assert "address already in use" in said
    yield stopped(second)
    answer = yield deferToThread(get, socket_path(str(folder), [8080]))
    assert answer.endswith(b"here")
    yield stopped(first)


@inlineCallbacks
def test_a_file_that_is_gone_or_another_ones_is_no_trouble_at_the_end(
    hub: Hub, folder: Path
) -> Waiting:
    path = Path(socket_path(str(folder), [8080]))
    first = health_socket(hub, folder, 8080)
    first.startService()
    path.unlink()
    yield stopped(first)
    second = health_socket(hub, folder, 8080)
    second.startService()
    path.rename(folder / "kept")
    path.touch()
    yield stopped(second)
    assert path.exists()


def test_a_folder_that_cannot_be_used_is_one_warning(
    hub: Hub, tmp_path: Path, warnings: list[str]
) -> None:
    (tmp_path / "file").touch()
    tmp_path.chmod(0o777)
    long = tmp_path / ("x" * 120)
    for folder in (tmp_path / "file" / "run", tmp_path / "none" / "run", tmp_path, long):
        service = health_socket(hub, folder, 8080)
        service.startService()
        service.stopService()
    maximum = f"more than the {UNIX_PATH_BYTES} that the path of a unix socket can have"
    assert [
        said.partition(": ")[2].removesuffix(
            ". Set --runtime-folder to a folder that the relay can write to."
        )
        for said in warnings
    ] == [
        f"{tmp_path}/file/run: not a directory",
        f"{tmp_path}/none/run: no such file or directory",
        f"{tmp_path} is writable by other users; restrict it with chmod 700",
        f"{long}/8080.sock has {len(str(long)) + 10} bytes, {maximum}",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_warning(
    hub: Hub, tmp_path: Path, warnings: list[str]
) -> None:
    tmp_path.chmod(0o500)
    health_socket(hub, tmp_path / "run", 8080).startService()
    (said,) = warnings
    assert "permission denied" in said
