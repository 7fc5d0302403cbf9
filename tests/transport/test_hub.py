"""A hub: each stream has its turn, in rounds that are short, and fails alone."""

import select
import socket
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReadDescriptor, IReadWriteDescriptor
from twisted.logger import LogEvent
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from tests.recorded_log import RecordedLog
from tests.transport.turns import HUBS, Turns, WatchingHub, open_hub
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.joins import JOIN_ROUND_SECONDS
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE, ROUND_SECONDS
from vaultrelay.transport import epoll_group
from vaultrelay.transport.hub import EpollHub, Hub, ReactorHub, make_hub
from vaultrelay.transport.hub_stream import READ, WRITE

needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="only Linux has epoll")


class End:
    """The least of a stream: one end of a socket pair. Reads what is there unless it is told not
    to, so that it stays ready."""

    def __init__(self, hub: Hub, reads: bool = True) -> None:
        self.hub = hub
        self.socket, self.peer = socket.socketpair()
        self.socket.setblocking(False)
        self.descriptor = self.socket.fileno()
        self.reads = reads
        self.read: list[bytes] = []
        self.events: list[int] = []
        self.lost: list[Failure] = []
        self.is_aborted = False
        self.served: Callable[[], object] = lambda: None
        """Called whenever it is served."""
        self.ended: Callable[[], object] = lambda: None
        hub.add(self)

    @property
    def turns_had(self) -> int:
        return len(self.events)

    def can_read(self) -> None:
        self.events.append(READ)
        if self.reads:
            self.read.append(self.socket.recv(100))
        self.served()

    def ready(self, events: int) -> None:
        if events == READ:
            # As the hub of a reactor calls it.
            self.can_read()
            return
        self.events.append(events)
        self.served()

    other_events = 0

    def read_again(self) -> None:
        self.hub.change(self.descriptor, READ)

    def abortConnection(self) -> None:
        self.is_aborted = True
        self.lose(Failure(ConnectionLost()))

    def lose(self, reason: Failure) -> None:
        if self.descriptor < 0:
            return
        self.hub.remove(self)
        self.socket.close()
        self.peer.close()
        self.descriptor = -1
        self.lost.append(reason)
        self.ended()


@pytest.fixture(params=HUBS)
def hub(request: pytest.FixtureRequest) -> Iterator[WatchingHub]:
    hub = open_hub(request.param)
    yield hub
    if hub.running:
        hub.stopService()
    assert hub.events == {}
    assert hub.turns.readers == hub.turns.writers == set()


@pytest.fixture
def end(hub: WatchingHub) -> End:
    return End(hub)


class TestAStream:
    def test_reads_what_there_is(self, hub: WatchingHub, end: End) -> None:
        assert hub.turns.turn() == 0
        end.peer.send(b"hello")
        hub.turns.turn()
        assert end.read == [b"hello"]
        assert hub.turns.turn() == 0
        assert end.lost == []

    def test_wakes_the_reactor(self, hub: WatchingHub, end: End) -> None:
        end.peer.send(b"hello")
        assert hub.turns.turn(patience=5.0) == 1
        assert end.read == [b"hello"]

    def test_reads_and_writes_in_one_turn(self, hub: WatchingHub, end: End) -> None:
        end.peer.send(b"hello")
        hub.change(end.descriptor, READ | WRITE)
        hub.turns.turn()
        assert sum(end.events) == READ | WRITE

    @pytest.mark.parametrize("events", [READ, WRITE, READ | WRITE, 0])
    def test_is_watched_for_what_it_wants(self, hub: WatchingHub, end: End, events: int) -> None:
        end.reads = False
        end.peer.send(b"hello")
        for _ in range(2):
            hub.change(end.descriptor, events)
            hub.turns.turn()
            assert sum(end.events) == events
            hub.change(end.descriptor, 0)
            assert hub.turns.turn() == 0
            end.events.clear()

    def test_notices_that_its_peer_hung_up(self, hub: WatchingHub, end: End) -> None:
        end.peer.close()
        hub.turns.turn()
        assert end.turns_had == 1

    def test_is_watched_until_it_is_removed(self, hub: WatchingHub, end: End) -> None:
        end.peer.send(b"hello")
        assert hub.remove(end)
        assert not hub.remove(end)
        assert hub.turns.turn() == 0
        hub.add(end)
        hub.turns.turn()
        assert end.read == [b"hello"]

    def test_that_was_closed_by_one_before_it_is_not_served(
        self, hub: WatchingHub, end: End
    ) -> None:
        other = End(hub)
        done = Failure(ConnectionDone())
        end.served, other.served = lambda: other.lose(done), lambda: end.lose(done)
        for each in (end, other):
            each.peer.send(b"x")
        hub.turns.turn()
        assert sorted([end.read, other.read]) == [[], [b"x"]]

    @pytest.mark.parametrize("events", [READ, WRITE])
    def test_that_raises_is_logged_and_ended_alone(
        self, hub: WatchingHub, end: End, events: int, logged_errors: list[LogEvent]
    ) -> None:
        other = End(hub)

        def fail() -> None:
            raise ValueError("boom")

        end.served = fail
        hub.change(end.descriptor, events)
        for each in (end, other):
            each.peer.send(b"x")
        # Logging may take as long as a round may.
        for _ in range(2):
            hub.turns.turn()
        assert end.is_aborted
        assert other.read == [b"x"]
        assert not other.lost
        (event,) = logged_errors
        assert event["log_format"] == "A connection failed"
        assert isinstance(event["log_failure"].value, ValueError)
        logged_errors.clear()


class TestTheService:
    def test_that_stops_closes_all_streams(self, hub: WatchingHub, end: End) -> None:
        other = End(hub)
        hub.stopService()
        for each in (end, other):
            (reason,) = each.lost
            assert isinstance(reason.value, ConnectionLost)

    def test_may_start_again(self, hub: WatchingHub, end: End) -> None:
        hub.stopService()
        hub.startService()
        again = End(hub)
        again.peer.send(b"hello")
        hub.turns.turn()
        assert again.read == [b"hello"]

    def test_closes_each_stream_once_though_one_closes_another(
        self, hub: WatchingHub, end: End
    ) -> None:
        other = End(hub)
        done = Failure(ConnectionDone())
        end.ended, other.ended = lambda: other.lose(done), lambda: end.lose(done)
        hub.stopService()
        assert len(end.lost) == len(other.lost) == 1

    def test_closes_the_others_where_one_fails(
        self, hub: WatchingHub, end: End, logged_errors: list[LogEvent]
    ) -> None:
        others = [End(hub) for _ in range(2)]

        def fail() -> None:
            raise ValueError("boom")

        end.ended = fail
        hub.stopService()
        assert all(each.lost for each in (end, *others))
        (event,) = logged_errors
        assert isinstance(event["log_failure"].value, ValueError)
        logged_errors.clear()

    def test_closes_all_streams_when_the_reactor_stops(self, hub: WatchingHub, end: End) -> None:
        other = End(hub)
        reason = Failure(ConnectionLost())
        # As disconnectAll of Twisted's reactors does.
        for descriptor in list(hub.turns.readers):
            hub.turns.removeReader(descriptor)
            descriptor.connectionLost(reason)
        assert end.lost == other.lost == [reason]

    def test_has_descriptors_as_a_reactor_wants_them(self, hub: WatchingHub, end: End) -> None:
        is_shared = isinstance(hub, EpollHub)
        descriptors = list(hub.turns.readers)
        assert len(descriptors) == (2 if is_shared else 1)
        for descriptor in descriptors:
            verifyObject(IReadDescriptor if is_shared else IReadWriteDescriptor, descriptor)
            assert descriptor.fileno() >= 0
            assert descriptor.logPrefix() == ("Hub" if is_shared else "Stream")
        hub.stopService()
        assert {each.fileno() for each in descriptors} == {-1}, "so that a reactor drops them"


class Time:
    """Passes when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@needs_epoll
class TestARoundOfTheEpollHub:
    @pytest.fixture
    def hub(self) -> Iterator[WatchingHub]:
        hub = open_hub(HUBS[-1])
        yield hub
        hub.stopService()

    @pytest.fixture
    def time(self, monkeypatch: pytest.MonkeyPatch) -> Time:
        time = Time()
        monkeypatch.setattr(epoll_group, "monotonic", time)
        return time

    @pytest.fixture
    def ends(self, hub: WatchingHub) -> list[End]:
        """Three batches of joined streams and a half, which stay ready."""
        ends = [End(hub, reads=False) for _ in range(EVENTS_AT_ONCE * 7 // 2)]
        for end in ends:
            hub.prefer(end, READ)
            end.peer.send(b"x")
        return ends

    @staticmethod
    def served(ends: list[End]) -> int:
        return sum(end.turns_had for end in ends)

    def test_serves_each_stream_that_is_ready(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        """In whole batches: a part of the first has a second turn."""
        hub.turns.turn()
        assert all(1 <= end.turns_had <= 2 for end in ends)
        assert self.served(ends) == 4 * EVENTS_AT_ONCE

    def test_ends_with_the_first_batch_that_is_not_full(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        for end in ends:
            end.reads = True
        hub.turns.turn()
        assert all(end.turns_had == 1 for end in ends)

    def test_ends_when_its_time_is_over(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        def take_time() -> None:
            time.now += ROUND_SECONDS

        for end in ends:
            end.served = take_time
        hub.turns.turn()
        assert self.served(ends) == EVENTS_AT_ONCE

    def test_goes_on_while_there_is_time(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        def take_time() -> None:
            time.now += ROUND_SECONDS / (2 * EVENTS_AT_ONCE)

        for end in ends:
            end.served = take_time
        hub.turns.turn()
        # In binary fractions, the sum may be a little less than the time.
        assert self.served(ends) in (2 * EVENTS_AT_ONCE, 3 * EVENTS_AT_ONCE)

    @pytest.mark.parametrize(("share", "reports"), [(0.5, 0), (1, 1)])
    def test_that_takes_too_long_is_reported(
        self, hub: WatchingHub, ends: list[End], time: Time, share: float, reports: int
    ) -> None:
        def take_time() -> None:
            time.now += share * ROUND_SECONDS

        long_rounds: list[None] = []
        hub.on_long_round = lambda: long_rounds.append(None)
        for end in ends[1:]:
            end.lose(Failure(ConnectionDone()))
        ends[0].served = take_time
        hub.turns.turn()
        assert len(long_rounds) == reports

    def test_begins_with_those_that_were_not_served_before(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        """Though all of them stay ready, and the time is over after one batch."""

        def take_time() -> None:
            time.now += ROUND_SECONDS

        for end in ends:
            end.served = take_time
        for rounds in range(1, 15):
            hub.turns.turn()
            average = rounds * EVENTS_AT_ONCE / len(ends)
            assert all(average - 1 < end.turns_had < average + 1 for end in ends)

    def test_serves_a_newcomer_though_others_are_always_ready(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        def take_time() -> None:
            time.now += ROUND_SECONDS

        for end in ends:
            end.served = take_time
        hub.turns.turn()
        newcomer = End(hub)
        newcomer.peer.send(b"hello")
        for _ in range(4):
            hub.turns.turn()
        assert newcomer.read == [b"hello"]

    def test_of_streams_that_close_each_other_serves_the_rest(
        self, hub: WatchingHub, ends: list[End], time: Time
    ) -> None:
        """A batch has streams that are gone by then, and the number of streams falls."""
        first, *others = ends
        done = Failure(ConnectionDone())

        def close_many() -> None:
            for other in others[:-1]:
                other.lose(done)

        first.served = close_many
        hub.turns.turn()
        assert first.turns_had
        assert all(end.turns_had == 0 for end in others[:-1])
        assert others[-1].turns_had


@needs_epoll
class TestARoundOfStreamsThatHaveNotJoined:
    @pytest.fixture
    def hub(self) -> Iterator[WatchingHub]:
        hub = open_hub(HUBS[-1])
        yield hub
        hub.stopService()

    @pytest.fixture
    def time(self, monkeypatch: pytest.MonkeyPatch) -> Time:
        time = Time()
        monkeypatch.setattr(epoll_group, "monotonic", time)
        return time

    @pytest.fixture
    def ends(self, hub: WatchingHub, time: Time) -> list[End]:
        """Streams whose every event takes a whole round, such as a TLS handshake."""

        def take_time() -> None:
            time.now += JOIN_ROUND_SECONDS

        ends = [End(hub) for _ in range(5)]
        for end in ends:
            end.served = take_time
            end.peer.send(b"x")
        return ends

    def test_is_shorter_than_one_of_joined_streams(self, hub: WatchingHub, ends: list[End]) -> None:
        joined = End(hub)
        hub.prefer(joined, READ)
        for turn in range(1, len(ends) + 1):
            joined.peer.send(b"x")
            hub.turns.turn()
            assert joined.turns_had == turn
            assert sum(end.turns_had for end in ends) == turn, "one of those that join"

    def test_that_leaves_ready_streams_stops_accepts(
        self, hub: WatchingHub, ends: list[End]
    ) -> None:
        for _ in ends[1:]:
            hub.turns.turn()
            assert hub.pace.is_behind
        hub.turns.turn()
        assert not hub.pace.is_behind

    def test_serves_all_where_they_are_quick(self, hub: WatchingHub, ends: list[End]) -> None:
        for end in ends:
            end.served = lambda: None
        hub.turns.turn()
        assert all(end.turns_had == 1 for end in ends)
        assert not hub.pace.is_behind

    @pytest.mark.parametrize("events", [READ, WRITE, READ | WRITE, 0])
    def test_hands_a_stream_over_with_its_events(
        self, hub: WatchingHub, time: Time, events: int
    ) -> None:
        end = End(hub, reads=False)
        hub.change(end.descriptor, events)
        hub.prefer(end, events)
        hub.prefer(end, events)
        end.peer.send(b"x")
        hub.turns.turn()
        assert end.events == ([events] if events else [])
        hub.change(end.descriptor, READ)
        hub.turns.turn()
        assert end.events[-1] == READ


def test_epoll_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    ledger, log = Ledger(1), RecordedLog()
    expected = EpollHub if hasattr(select, "epoll") else ReactorHub
    assert type(make_hub(turns, ledger, log=log)) is expected
    monkeypatch.delattr(select, "epoll", raising=False)
    made = make_hub(turns, ledger, log=log)
    assert type(made) is ReactorHub
    assert (made.reactor, made.ledger, made.log) == (turns, ledger, log)
