"""The lean reactor: reads, writes and losses reach their connections as with Twisted's own."""

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import main
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

if sys.platform != "linux":
    pytest.skip("only Linux has epoll", allow_module_level=True)

from vaultrelay.transport import lean_epoll
from vaultrelay.transport.lean_epoll import LeanEpollReactor


class End:
    """One end of a socket pair, known to a reactor."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.socket, self.peer = socket.socketpair()
        self.socket.setblocking(False)
        self.read: list[bytes] = []
        self.written = 0
        self.lost: list[Failure] = []
        self.answer: Any = None
        self.also: End | None = None
        reactor.addReader(self)

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "end"

    def doRead(self) -> Any:
        self.read.append(self.socket.recv(100))
        if self.also is not None:
            self.reactor.removeReader(self.also)
        if isinstance(self.answer, ValueError):
            raise self.answer
        return self.answer

    def doWrite(self) -> Any:
        self.written += 1
        self.reactor.removeWriter(self)

    def connectionLost(self, reason: Failure) -> None:
        self.lost.append(reason)

    def close(self) -> None:
        self.reactor.removeReader(self)
        self.socket.close()
        self.peer.close()


@pytest.fixture
def reactor() -> Iterator[Any]:
    made: Any = LeanEpollReactor()
    yield made
    close(made)


def close(reactor: Any) -> None:
    """What a reactor opens for itself, closed."""
    for own in reactor._internalReaders:
        own.connectionLost(Failure(main.CONNECTION_LOST))
    reactor._poller.close()


@pytest.fixture
def end(reactor: Any) -> Iterator[End]:
    made = End(reactor)
    yield made
    made.close()


def test_what_there_is_to_read_is_read(reactor: Any, end: End) -> None:
    reactor.doPoll(0)
    assert end.read == []
    end.peer.send(b"hello")
    reactor.doPoll(0)
    assert end.read == [b"hello"]
    assert end.lost == []


def test_without_a_deadline_it_waits_for_something_to_read(reactor: Any, end: End) -> None:
    end.peer.send(b"hello")
    reactor.doPoll(None)
    assert end.read == [b"hello"]


def test_reading_and_writing_in_one_turn(reactor: Any, end: End) -> None:
    reactor.addWriter(end)
    end.peer.send(b"hello")
    reactor.doPoll(0)
    assert (end.read, end.written) == ([b"hello"], 1)


def test_a_connection_that_says_it_is_done_is_lost(reactor: Any, end: End) -> None:
    end.answer = main.CONNECTION_DONE
    end.peer.send(b"x")
    reactor.doPoll(0)
    (reason,) = end.lost
    assert isinstance(reason.value, ConnectionDone)
    assert end not in reactor.getReaders()


def test_a_peer_that_hung_up_is_noticed(reactor: Any, end: End) -> None:
    end.answer = main.CONNECTION_DONE
    end.peer.close()
    reactor.doPoll(0)
    assert end.lost


def test_an_error_is_logged_and_ends_the_connection_alone(
    reactor: Any, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Log:
        def failure(self, text: str) -> None:
            told.append(text)

    monkeypatch.setattr(lean_epoll, "log", Log())
    other = End(reactor)
    end.answer = ValueError("boom")
    for each in (end, other):
        each.peer.send(b"x")
    reactor.doPoll(0)
    assert [type(reason.value) for reason in end.lost] == [ValueError]
    assert other.read == [b"x"]
    assert told == ["Reading from a connection failed"]
    other.close()


def test_one_that_another_closed_in_the_same_turn_is_not_read(reactor: Any, end: End) -> None:
    other = End(reactor)
    end.also, other.also = other, end
    for each in (end, other):
        each.peer.send(b"x")
    reactor.doPoll(0)
    assert sorted([end.read, other.read]) == [[], [b"x"]]
    other.close()


def test_an_interrupted_wait_is_no_error(reactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Poller:
        def __init__(self, error: OSError) -> None:
            self.error = error

        def poll(self, *arguments: object) -> None:
            raise self.error

    poller = reactor._poller
    reactor._poller = Poller(InterruptedError(4, "interrupted"))
    reactor.doPoll(0)
    reactor._poller = Poller(OSError(9, "bad"))
    with pytest.raises(OSError, match="bad"):
        reactor.doPoll(0)
    reactor._poller = poller


def test_it_becomes_the_reactor_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[Any] = []
    monkeypatch.setattr(lean_epoll, "installReactor", installed.append)
    lean_epoll.install()
    (made,) = installed
    assert isinstance(made, LeanEpollReactor)
    close(made)
