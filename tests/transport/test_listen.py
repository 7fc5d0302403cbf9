"""Listening: real ports of this machine, picked by it."""

import gc
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.internet.endpoints import (
    AdoptedStreamServerEndpoint,
    TCP4ServerEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory

from vaultrelay.transport.listen import CannotListen, ListeningService

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


def service_on(endpoint: Any, text: str = "here") -> ListeningService:
    factory = Factory()
    factory.noisy = False
    return ListeningService(text, endpoint, factory)


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
    assert said == f"cannot listen on unix:{path}: no such file or directory"


@inlineCallbacks
def test_a_unix_socket_is_removed_at_the_stop(reactor: Any, tmp_path: Path) -> Waiting:
    path = tmp_path / "relay.sock"
    service = service_on(UNIXServerEndpoint(reactor, str(path)))
    service.startService()
    assert path.is_socket()
    yield stopped(service)
    assert not path.exists()


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
        (KeyError(), "keyerror"),
    ],
)
def test_every_failure_says_why(error: Exception, said: str) -> None:
    service = service_on(Endpoint(fail(error)), "tcp:80")
    assert refusal_of(service).startswith(f"cannot listen on tcp:80: {said}")


def test_a_service_keeps_the_port_that_its_endpoint_gave() -> None:
    port = object()
    service = service_on(Endpoint(succeed(port)))
    service.startService()
    assert service.port is port
