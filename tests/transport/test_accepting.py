"""Accepting: a few in each turn, a rest where there is no room, no noise without descriptors."""

import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import tcp
from twisted.internet.address import IPv6Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits import (
    ACCEPT_REST_SECONDS,
    ACCEPTS_PER_TURN,
    TOLD_SECONDS,
    WAITING_SURE_SECONDS,
)
from vaultrelay.transport.accepting import Acceptor
from vaultrelay.transport.pending import PendingConnections


class Reactor(Clock):
    """Time, and who wants to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()

    def addReader(self, reader: object) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: object) -> None:
        self.readers.discard(reader)

    def removeWriter(self, writer: object) -> None:
        pass


class Listening:
    """A listening socket without a network: what `accept` gives or raises, in turn."""

    def __init__(self) -> None:
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


class Guest:
    """Remembers being cut off."""

    is_gone = False
    budgets: Budgets = ()

    def give_up(self) -> None:
        self.is_gone = True


class Scene:
    """A port, its acceptor, and the connections that began."""

    def __init__(self, places: int = 1000) -> None:
        self.reactor: Any = Reactor()
        self.waiting = PendingConnections(self.reactor, places)
        self.begun: list[Any] = []
        port: Any = tcp.Port(0, Factory.forProtocol(Protocol), reactor=self.reactor)
        port.sessionno = 0
        port.connected = True
        port.socket = self.listening = Listening()
        port.transport = self.begin
        port.startReading()
        self.port = port
        self.acceptor = Acceptor(port, self.waiting)

    def begin(self, accepted: Any, protocol: Any, address: Any, *rest: Any) -> Any:
        self.begun.append(address)
        self.waiting.enter(Guest())
        accepted.close()

    def come(
        self, number: int, address: Any = ("192.0.2.1", 50000), family: int = socket.AF_INET
    ) -> None:
        self.listening.comes += [(socket.socket(family), address) for _ in range(number)]

    def fail(self, number: int, times: int = 1) -> None:
        self.listening.comes[:0] = [OSError(number, "")] * times

    @property
    def rests(self) -> bool:
        return self.port not in self.reactor.readers

    def turn_away(self, number: int) -> None:
        """A turn in which no descriptor is left, and so many wait."""
        self.come(number)
        self.fail(errno.EMFILE)
        self.acceptor.doRead()

    def close(self) -> None:
        self.acceptor.close()
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


def test_who_went_before_being_taken_is_passed_over(scene: Scene) -> None:
    scene.come(1)
    scene.fail(errno.ECONNABORTED)
    scene.fail(errno.EPERM)
    scene.acceptor.doRead()
    assert len(scene.begun) == 1


def test_a_link_local_address_keeps_its_zone(scene: Scene) -> None:
    built: list[Any] = []
    scene.port._addressType = lambda *parts: built.append(IPv6Address(*parts))
    scene.come(1, ("fe80::1", 50000, 0, 1), socket.AF_INET6)
    scene.come(1, ("2001:db8::1", 50000, 0, 0), socket.AF_INET6)
    scene.acceptor.doRead()
    hosts = [address.host for address in built]
    assert hosts[0].startswith("fe80::1%")
    assert hosts[1] == "2001:db8::1"


def test_who_gets_no_protocol_is_closed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.port.factory, "buildProtocol", lambda address: None)
    scene.come(1)
    accepted = scene.listening.comes[0][0]
    scene.acceptor.doRead()
    assert accepted.fileno() == -1
    assert scene.begun == []


def test_a_crowded_door_rests_and_looks_again() -> None:
    scene = Scene(places=2)
    scene.come(3)
    scene.acceptor.doRead()
    assert (len(scene.begun), scene.rests) == (2, True)
    scene.reactor.advance(ACCEPT_REST_SECONDS)
    assert not scene.rests
    scene.reactor.advance(WAITING_SURE_SECONDS)
    scene.acceptor.doRead()
    assert len(scene.begun) == 3
    scene.close()


def test_a_port_that_was_closed_while_it_rested_stays_so() -> None:
    scene = Scene(places=0)
    scene.acceptor.doRead()
    scene.port.connected = False
    scene.reactor.advance(ACCEPT_REST_SECONDS)
    assert scene.rests
    scene.close()


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
    assert ": too many open files. 3 were closed as they came" in said.replace(" or ", " ")
    assert "ulimit -n" in said
    logged_errors.clear()


def test_without_descriptors_the_oldest_who_waits_goes(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    guest = Guest()
    scene.waiting.enter(guest)
    scene.reactor.advance(WAITING_SURE_SECONDS)
    scene.turn_away(0)
    assert guest.is_gone
    logged_errors.clear()


def test_it_says_so_once_a_minute(scene: Scene, logged_errors: list[LogEvent]) -> None:
    for _ in range(100):
        scene.turn_away(1)
    assert len(logged_errors) == 1
    scene.reactor.advance(TOLD_SECONDS)
    scene.turn_away(1)
    assert [event["count"] for event in logged_errors] == [1, 100]
    logged_errors.clear()


def test_a_descriptor_is_free_again_and_all_goes_on(
    scene: Scene, logged_errors: list[LogEvent]
) -> None:
    scene.turn_away(1)
    scene.reactor.advance(ACCEPT_REST_SECONDS)
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
        scene.turn_away(3)
        assert len(scene.listening.comes) == 2, "one with the spare descriptor, which is gone"
        scene.turn_away(0)
        assert len(scene.listening.comes) == 2
    scene.turn_away(0)
    assert scene.listening.comes == []
    logged_errors.clear()
