"""Acceptor: a few in each turn, a rest where there is no room, no noise without descriptors."""

import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IListeningPort, IReadDescriptor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from tests.recorded_log import RecordedLog
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.join_pace import JoinPace
from vaultrelay.policy.limits.joins import LATE_JOIN_SECONDS
from vaultrelay.policy.limits.logs import SUMMARY_SECONDS
from vaultrelay.policy.limits.pending import (
    ACCEPT_PAUSE_SECONDS,
    ACCEPTS_PER_TURN,
    PENDING_GRACE_SECONDS,
    REJECTS_PER_TURN,
)
from vaultrelay.transport import acceptor
from vaultrelay.transport.acceptor import Acceptor
from vaultrelay.transport.listening_socket import Bound
from vaultrelay.transport.pending_connections import PendingConnections


class Reactor(Clock):
    """Time, and the descriptors that are watched for reading."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: object) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.discard(reader)


class Listening:
    """A listening socket without a network: what `accept` gives or raises, in turn."""

    is_closed = False

    def __init__(self, family: int) -> None:
        self.family = family
        self.comes: list[Any] = []
        self.asked = 0

    def accept(self) -> Any:
        self.asked += 1
        if not self.comes:
            raise BlockingIOError(errno.EAGAIN, "")
        coming = self.comes.pop(0)
        if isinstance(coming, OSError):
            raise coming
        return coming

    def fileno(self) -> int:
        return -1 if self.is_closed else 77

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 8080

    def close(self) -> None:
        self.is_closed = True


class Guest:
    """Remembers being cut off."""

    is_gone = False
    budgets: Budgets = ()

    def evict(self) -> None:
        self.is_gone = True


class Begun:
    """The stream of an accepted connection."""

    is_aborted = False

    def __init__(self, accepted: socket.socket) -> None:
        self.accepted = accepted

    def abortConnection(self) -> None:
        self.is_aborted = True


class Device(Protocol):
    """Remembers that its connection is lost, and may fail as it begins."""

    transport: Any
    trouble: Exception | None = None

    def __init__(self) -> None:
        self.lost: list[Failure] = []

    def connectionMade(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)


class Scene(Factory):
    """An acceptor, its socket, the factory that it asks and the connections that began."""

    noisy = False

    def __init__(
        self, places: int = 1000, hides_address: bool = False, family: int = socket.AF_INET
    ) -> None:
        self.reactor: Any = Reactor()
        self.waiting = PendingConnections(self.reactor, places)
        self.pace = JoinPace(self.reactor.seconds)
        self.begun: list[Any] = []
        self.streams: list[Begun] = []
        self.asked: list[Any] = []
        self.devices: list[Device] = []
        self.trouble: Exception | None = None
        self.stream_trouble: Exception | None = None
        self.device_trouble: Exception | None = None
        self.refuses = False
        self.life: list[str] = []
        self.listening = Listening(family)
        bound: Any = Bound(self.listening, self.clean_up)  # type: ignore[arg-type]
        make: Any = self.make_stream
        self.acceptor = Acceptor(
            bound,
            self,
            make,
            self.waiting,
            self.pace,
            self.reactor,
            hides_address,
            log=RecordedLog(),
        )
        self.acceptor.startListening()

    def startFactory(self) -> None:
        self.life.append("factory begins")

    def stopFactory(self) -> None:
        self.life.append("factory ends")

    def clean_up(self) -> None:
        self.life.append("cleaned, closed" if self.listening.is_closed else "cleaned, open")

    def buildProtocol(self, addr: Any) -> Any:
        self.asked.append(addr)
        if self.trouble is not None:
            raise self.trouble
        if self.refuses:
            return None
        device = Device()
        device.trouble = self.device_trouble
        self.devices.append(device)
        return device

    def make_stream(self, accepted: socket.socket, address: Any, protocol: Any) -> Begun:
        if self.stream_trouble is not None:
            raise self.stream_trouble
        self.begun.append(address)
        self.waiting.add(Guest())
        accepted.close()
        self.streams.append(Begun(accepted))
        return self.streams[-1]

    def come(self, number: int, address: Any = ("192.0.2.1", 50000)) -> None:
        family = self.listening.family
        self.listening.comes += [(socket.socket(family), address) for _ in range(number)]

    def fail(self, number: int, times: int = 1) -> None:
        self.listening.comes[:0] = [OSError(number, "")] * times

    @property
    def rests(self) -> bool:
        return self.acceptor not in self.reactor.readers

    def turn_away(self, number: int) -> None:
        """A turn in which no descriptor is left, and so many wait."""
        self.come(number)
        self.fail(errno.EMFILE)
        self.acceptor.doRead()

    def close(self) -> None:
        self.acceptor.stopListening()
        for coming in self.listening.comes:
            if not isinstance(coming, OSError):
                coming[0].close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_all_who_wait_are_taken_and_then_nobody_is_asked_for(scene: Scene) -> None:
    scene.come(3)
    scene.acceptor.doRead()
    assert scene.begun == [("192.0.2.1", 50000)] * 3
    assert not scene.rests


def test_a_turn_takes_a_few_and_leaves_the_others_for_the_next(scene: Scene) -> None:
    scene.come(ACCEPTS_PER_TURN + 1)
    scene.acceptor.doRead()
    assert len(scene.begun) == ACCEPTS_PER_TURN
    assert not scene.rests
    scene.acceptor.doRead()
    assert len(scene.begun) == ACCEPTS_PER_TURN + 1


def test_nothing_is_accepted_while_ready_connections_wait_for_the_core(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "waited_in_queue", lambda accepted: (0.0, False))
    scene.come(1)
    scene.pace.round_ended(is_complete=False)
    scene.acceptor.doRead()
    assert not scene.begun
    assert not scene.rests, "the next round may be complete"
    scene.pace.round_ended(is_complete=True)
    scene.acceptor.doRead()
    assert len(scene.begun) == 1


@pytest.mark.parametrize("left", [False, True])
def test_in_a_crowd_those_that_gave_up_are_closed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    waits = LATE_JOIN_SECONDS + 1
    monkeypatch.setattr(acceptor, "waited_in_queue", lambda accepted: (waits, left))
    scene.come(1)
    accepted = scene.listening.comes[0][0]
    scene.pace.round_ended(is_complete=False)
    scene.pace.round_ended(is_complete=True)
    scene.acceptor.doRead()
    assert scene.pace.is_late
    assert len(scene.begun) == (0 if left else 1)
    assert accepted.fileno() == -1


def test_who_went_before_being_taken_is_passed_over(scene: Scene) -> None:
    scene.come(1)
    scene.fail(errno.ECONNABORTED)
    scene.fail(errno.EPERM)
    scene.acceptor.doRead()
    assert len(scene.begun) == 1


def test_a_link_local_address_keeps_its_zone() -> None:
    scene = Scene(family=socket.AF_INET6)
    scene.come(1, ("fe80::1", 50000, 0, 1))
    scene.come(1, ("2001:db8::1", 50000, 0, 0))
    scene.acceptor.doRead()
    hosts = [address.host for address in scene.asked]
    assert hosts[0].startswith("fe80::1%")
    assert hosts[1] == "2001:db8::1"
    assert [address[0] for address in scene.begun] == hosts
    scene.close()


def test_who_gets_no_protocol_is_closed(scene: Scene) -> None:
    scene.refuses = True
    scene.come(1)
    accepted = scene.listening.comes[0][0]
    scene.acceptor.doRead()
    assert accepted.fileno() == -1
    assert scene.begun == []


def test_the_factory_gets_the_address_of_the_peer(scene: Scene) -> None:
    scene.come(1)
    scene.acceptor.doRead()
    assert scene.asked == [IPv4Address("TCP", "192.0.2.1", 50000)]


def test_a_factory_does_not_take_the_proxy_for_the_client() -> None:
    scene = Scene(hides_address=True)
    scene.come(1)
    scene.acceptor.doRead()
    assert scene.asked == [None]
    assert scene.begun == [("192.0.2.1", 50000)], "the stream knows the proxy"
    scene.close()


def test_a_protocol_begins_with_its_stream(scene: Scene) -> None:
    scene.come(1)
    scene.acceptor.doRead()
    assert [device.transport for device in scene.devices] == scene.streams


class TestAnError:
    """One connection ends, and the others are accepted as before."""

    trouble = RuntimeError("unexpected")

    def assert_logged(self, scene: Scene, logged_errors: list[LogEvent]) -> None:
        (event,) = logged_errors
        assert event["log_failure"].value is self.trouble
        logged_errors.clear()
        scene.trouble = scene.stream_trouble = scene.device_trouble = None
        scene.come(1)
        scene.acceptor.doRead()
        assert not scene.rests
        assert scene.devices[-1].transport is scene.streams[-1]

    def test_of_the_factory(self, scene: Scene, logged_errors: list[LogEvent]) -> None:
        scene.trouble = self.trouble
        scene.come(1)
        accepted = scene.listening.comes[0][0]
        scene.acceptor.doRead()
        assert accepted.fileno() == -1
        self.assert_logged(scene, logged_errors)

    def test_of_the_hub(self, scene: Scene, logged_errors: list[LogEvent]) -> None:
        """As where the kernel has no memory for one more in an epoll object."""
        scene.stream_trouble = self.trouble
        scene.come(1)
        accepted = scene.listening.comes[0][0]
        scene.acceptor.doRead()
        assert accepted.fileno() == -1
        assert len(scene.devices[0].lost) == 1, "its share of the budgets is free again"
        self.assert_logged(scene, logged_errors)

    def test_of_the_protocol(self, scene: Scene, logged_errors: list[LogEvent]) -> None:
        scene.device_trouble = self.trouble
        scene.come(1)
        scene.acceptor.doRead()
        assert scene.streams[0].is_aborted
        self.assert_logged(scene, logged_errors)


def test_a_crowded_door_rests_and_looks_again() -> None:
    scene = Scene(places=2)
    scene.come(3)
    scene.acceptor.doRead()
    assert (len(scene.begun), scene.rests) == (2, True)
    scene.reactor.advance(ACCEPT_PAUSE_SECONDS)
    assert not scene.rests
    scene.reactor.advance(PENDING_GRACE_SECONDS)
    scene.acceptor.doRead()
    assert len(scene.begun) == 3
    scene.close()


def test_a_port_that_was_closed_while_it_rested_stays_so() -> None:
    scene = Scene(places=0)
    scene.acceptor.doRead()
    scene.acceptor.stopListening()
    scene.reactor.advance(ACCEPT_PAUSE_SECONDS)
    assert scene.rests


def test_it_is_a_port_and_a_descriptor_for_twisted(scene: Scene) -> None:
    verifyObject(IListeningPort, scene.acceptor)
    verifyObject(IReadDescriptor, scene.acceptor)
    assert scene.acceptor.fileno() == 77
    assert scene.acceptor.logPrefix()
    assert scene.acceptor.getHost() == IPv4Address("TCP", "127.0.0.1", 8080)


@pytest.mark.parametrize("end", ["stopListening", "connectionLost"])
def test_an_end_cleans_up_once_and_before_the_close(scene: Scene, end: str) -> None:
    """While the socket is open, nobody else can have its path or the number of its file."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    if end == "stopListening":
        done: list[Any] = []
        scene.acceptor.stopListening().addCallback(done.append)
        assert done == [None]
    else:
        scene.acceptor.connectionLost(Failure(ConnectionError()))
    assert scene.listening.is_closed
    assert scene.rests
    assert len(os.listdir("/proc/self/fd")) == descriptors - 1, "the one in reserve"  # noqa: PTH208
    scene.acceptor.stopListening()
    assert scene.life == ["factory begins", "cleaned, open", "factory ends"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_descriptors_it_rests_and_does_not_spin(
    scene: Scene, number: int, logged_errors: list[LogEvent]
) -> None:
    scene.fail(number, 10)
    scene.acceptor.doRead()
    assert scene.rests
    assert scene.listening.asked == 2, "the second time for one that could be told"
    scene.listening.comes.clear()
    logged_errors.clear()


def test_without_descriptors_those_who_wait_are_closed_at_once(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    scene.turn_away(3)
    assert scene.begun == []
    assert scene.listening.comes == []
    (event,) = logged_errors
    said = str(event["log_format"]).format(**event)
    assert ": too many open files. 3 were closed on arrival" in said.replace(" or ", " ")
    assert "ulimit -n" in said
    logged_errors.clear()


def test_without_descriptors_a_turn_closes_a_few(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    scene.turn_away(REJECTS_PER_TURN + 1)
    assert len(scene.listening.comes) == 1
    assert logged_errors[0]["count"] == REJECTS_PER_TURN
    logged_errors.clear()


def test_without_descriptors_the_oldest_who_waits_goes(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    guest = Guest()
    scene.waiting.add(guest)
    scene.reactor.advance(PENDING_GRACE_SECONDS)
    scene.turn_away(0)
    assert guest.is_gone
    logged_errors.clear()


def test_it_says_so_once_a_minute(scene: Scene, logged_errors: list[LogEvent]) -> None:
    for _ in range(100):
        scene.turn_away(1)
    assert len(logged_errors) == 1
    scene.reactor.advance(SUMMARY_SECONDS)
    scene.turn_away(1)
    assert [event["count"] for event in logged_errors] == [1, 100]
    logged_errors.clear()


def test_a_descriptor_is_free_again_and_all_goes_on(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    scene.turn_away(1)
    scene.reactor.advance(ACCEPT_PAUSE_SECONDS)
    assert not scene.rests
    scene.come(1)
    scene.acceptor.doRead()
    assert len(scene.begun) == 1
    logged_errors.clear()


def test_even_the_spare_descriptor_may_be_lost_for_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    def fail(*arguments: Any) -> int:
        raise OSError(errno.EMFILE, "")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fail)
        Scene().close()
        scene.turn_away(3)
        assert len(scene.listening.comes) == 2, "one with the spare descriptor, which is gone"
        scene.turn_away(0)
        assert len(scene.listening.comes) == 2
    scene.turn_away(0)
    assert scene.listening.comes == []
    logged_errors.clear()
