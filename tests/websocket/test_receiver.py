"""What a device sends, on its way to its session: order, pauses, closes, mistakes of ours."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_frame
from tests.websocket.parts import MOST, RecordingSession, make_factory
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.limits.floods import AFTER_CLOSE_BYTES
from vaultrelay.policy.limits.memory import FRAME_READER_BYTES
from vaultrelay.websocket.receiver import MessageReceiver
from vaultrelay.wire.close_codes import CloseCode


class RecordingTransport:
    """Whether it reads."""

    def __init__(self) -> None:
        self.is_read = True

    def pauseProducing(self) -> None:
        self.is_read = False

    def resumeProducing(self) -> None:
        self.is_read = True


class FakeConnection:
    """The connection around a receiver; it is the Outbox of the session, too."""

    def __init__(self) -> None:
        self.factory = make_factory()
        self.clock: Any = self.factory.reactor
        self.ledger = self.factory.ledger
        self.transport = RecordingTransport()
        self.is_open, self.is_ended = True, False
        self.sent: list[Any] = []
        self.receiver = MessageReceiver(self, self.factory)
        self.session = RecordingSession(self)
        self.heard = self.session.heard
        self.receiver.session = self.session  # type: ignore[assignment]
        self.pause, self.resume = self.receiver.pause, self.receiver.resume

    def join(self) -> "FakeConnection":
        """Let a text open the way for data, as a welcome does."""
        self.receiver.read(client_frame(TEXT, b"hello"))
        self.heard.clear()
        return self

    def close(self, number: int, reason: str) -> None:
        if self.is_open:
            self.sent.append(number)
            self.is_open = False
            self.transport.resumeProducing()
            self.receiver.drop()

    def send_pong(self, payload: bytes) -> None:
        self.sent.append(payload)

    def fail_internally(self) -> None:
        self.close(CloseCode.INTERNAL.number, "")

    def rule_broken(self, code: int | None, reason: bytes) -> None:
        if self.is_open:
            self.close(code or 0, "")
        else:
            self.close_received()

    def close_received(self) -> None:
        self.is_open, self.is_ended = False, True
        self.sent.append("end")

    def lose(self) -> None:
        """Be gone; nothing is held then."""
        self.is_open, self.is_ended = False, True
        self.receiver.close()
        assert self.ledger.held == self.receiver.held_bytes == 0

    @property
    def foreign(self) -> Any:
        return self.receiver._foreign


@pytest.fixture
def connection() -> FakeConnection:
    return FakeConnection().join()


def binary(message: bytes) -> bytes:
    return client_frame(BINARY, message)


PIECES = {
    "messages": (binary(b"1") + binary(b"2"), [b"1", b"2"]),
    "a text": (client_frame(TEXT, b"text"), ["frame", "text"]),
    "texts": (client_frame(TEXT, b"1") + client_frame(TEXT, b"2"), ["frame", "1", "frame", "2"]),
    "a ping between": (
        binary(b"1") + client_frame(PING, b"p") + binary(b"2"),
        [b"1", "frame", "ping", b"2"],
    ),
    "a pong": (client_frame(PONG), ["frame"]),
    "fragments": (
        client_frame(BINARY, b"1", fin=False)
        + client_frame(PING, b"p")
        + client_frame(CONTINUATION, b"2")
        + binary(b"3"),
        ["frame", "frame", "ping", "frame", b"12", b"3"],
    ),
    "a text in fragments": (
        client_frame(TEXT, b"1", fin=False) + client_frame(CONTINUATION, b"2") + binary(b"3"),
        ["frame", "frame", "12", b"3"],
    ),
}


@pytest.mark.parametrize(("stream", "heard"), PIECES.values(), ids=PIECES.keys())
@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_what_comes_is_passed_on_in_order(
    connection: FakeConnection, stream: bytes, heard: list[Any], step: int
) -> None:
    for start in range(0, len(stream), step):
        connection.receiver.read(stream[start : start + step])
    assert connection.heard == heard
    assert connection.foreign is None
    assert connection.receiver.partial_bytes is None
    assert connection.ledger.held == connection.receiver.held_bytes == 0


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(("stream", "heard"), PIECES.values(), ids=PIECES.keys())
def test_a_pause_at_any_point_loses_nothing(stream: bytes, heard: list[Any], step: int) -> None:
    for pause_at in heard:
        connection = FakeConnection().join()
        connection.session.pause_at = pause_at
        for start in range(0, len(stream), step):
            connection.receiver.read(stream[start : start + step])
        assert not connection.transport.is_read
        if step > 1:
            # Autobahn has the frame at hand, which is reported whole.
            assert len(connection.heard) <= heard.index(pause_at) + 3
        assert connection.ledger.held == connection.receiver.held_bytes
        connection.session.pause_at = None
        connection.resume()
        connection.clock.advance(0)
        assert connection.heard == heard
        assert connection.transport.is_read
        assert connection.ledger.held == 0


class TestAPause:
    def test_what_is_left_is_counted_with_its_objects(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"first"
        ping = client_frame(PING)
        connection.receiver.read(binary(b"first") + binary(b"second") * 10 + ping)
        assert connection.ledger.held > 10 * len(b"second") + len(ping)
        before = connection.ledger.held
        connection.receiver.read(ping)
        assert connection.ledger.held == before + len(ping)

    def test_without_anything_left_nothing_is_held(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"first"
        connection.receiver.read(binary(b"first"))
        assert connection.ledger.held == 0
        connection.resume()
        assert connection.transport.is_read
        assert connection.clock.getDelayedCalls() == []

    def test_resumed_twice_it_reads_once(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + binary(b"2"))
        connection.resume()
        connection.resume()
        assert not connection.transport.is_read
        assert len(connection.clock.getDelayedCalls()) == 1
        connection.clock.advance(0)
        assert connection.heard == [b"1", b"2"]

    def test_paused_again_before_its_turn_it_waits(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + binary(b"2"))
        connection.resume()
        connection.pause()
        connection.clock.advance(0)
        assert connection.heard == [b"1"]
        connection.resume()
        connection.clock.advance(0)
        assert connection.heard == [b"1", b"2"]

    def test_a_pause_in_what_was_held_holds_the_rest(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"x"
        connection.receiver.read((binary(b"x") + client_frame(PING)) * 3)
        for number in range(1, 4):
            assert connection.heard.count(b"x") == number
            connection.resume()
            connection.clock.advance(0)
        assert connection.heard == [b"x", "frame", "ping"] * 3
        assert connection.ledger.held == 0

    def test_in_the_middle_of_a_text_nothing_is_lost(self, connection: FakeConnection) -> None:
        text = client_frame(TEXT, b"in two reads")
        connection.receiver.read(text[:9])
        connection.pause()
        connection.receiver.read(text[9:] + binary(b"after"))
        assert connection.heard == ["frame"]
        connection.resume()
        connection.clock.advance(0)
        assert connection.heard == ["frame", "in two reads", b"after"]

    def test_a_mistake_in_what_was_held_closes(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + binary(b"2"))
        connection.session.failing = {"data_received"}
        connection.resume()
        connection.clock.advance(0)
        assert connection.sent == [CloseCode.INTERNAL.number]
        assert connection.ledger.held == 0

    def test_after_a_close_that_was_held_nothing_is_read(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + close_frame(1000))
        connection.resume()
        connection.clock.advance(0)
        assert connection.is_ended
        assert not connection.transport.is_read

    def test_what_is_held_goes_with_the_connection(self, connection: FakeConnection) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + binary(b"2") + client_frame(PING)[:3])
        connection.resume()
        connection.lose()
        assert connection.clock.getDelayedCalls() == []
        assert connection.heard == [b"1"]


class TestAClose:
    def test_a_close_of_the_device_behind_what_is_held_is_read(
        self, connection: FakeConnection
    ) -> None:
        connection.session.pause_at = b"1"
        connection.receiver.read(binary(b"1") + binary(b"2") + client_frame(PING) + close_frame(1))
        connection.close(4000, "restart")
        assert b"2" not in connection.heard
        assert connection.is_ended
        assert connection.foreign is not None, "a close with the code 1 is a violation"
        assert connection.ledger.held == FRAME_READER_BYTES
        connection.lose()

    @pytest.mark.parametrize("opcode", [BINARY, TEXT, PING])
    def test_what_comes_after_it_goes_on_where_what_was_held_ends(
        self, connection: FakeConnection, opcode: int
    ) -> None:
        connection.session.pause_at = b"1"
        frame = client_frame(opcode, b"\x03" * 100)
        connection.receiver.read(binary(b"1"))
        connection.receiver.read(frame[:50])
        connection.close(4000, "restart")
        assert connection.ledger.held == (0 if opcode == BINARY else FRAME_READER_BYTES)
        connection.receiver.read(frame[50:])
        assert connection.ledger.held == 0
        assert not connection.is_ended
        connection.receiver.read(close_frame(4000))
        assert connection.is_ended

    @pytest.mark.parametrize("opcode", [BINARY, TEXT, PING])
    def test_what_is_behind_a_refused_text_is_read_to_its_end(
        self, connection: FakeConnection, opcode: int
    ) -> None:
        frame = client_frame(opcode, b"\x03" * 100)
        connection.session.text_received = (  # type: ignore[method-assign]
            lambda text: connection.session.close(CloseCode.BAD_MESSAGE)
        )
        connection.receiver.read(client_frame(TEXT, b"bad") + frame[:50])
        assert connection.sent == [4501]
        connection.receiver.read(frame[50:])
        assert not connection.is_ended
        connection.receiver.read(close_frame(4501))
        assert connection.is_ended

    def test_a_message_in_fragments_is_given_up(self, connection: FakeConnection) -> None:
        connection.receiver.read(client_frame(BINARY, b"x" * 100, fin=False))
        assert connection.receiver.partial_bytes == 100
        connection.close(4000, "restart")
        assert connection.ledger.held == connection.receiver.held_bytes == FRAME_READER_BYTES
        connection.receiver.read(client_frame(CONTINUATION, b"y" * 100))
        assert connection.ledger.held == 0
        assert b"x" * 100 + b"y" * 100 not in connection.heard

    def test_texts_are_not_passed_on_after_it(self, connection: FakeConnection) -> None:
        connection.close(4000, "restart")
        connection.receiver.read(client_frame(TEXT, b"text"))
        assert "text" not in connection.heard

    def test_after_the_end_nothing_is_read(self, connection: FakeConnection) -> None:
        connection.receiver.read(close_frame(1000) + client_frame(PING, b"p") * 100)
        assert connection.sent == ["end"]
        assert connection.heard == ["frame"]

    @pytest.mark.parametrize(
        "frame", [client_frame(PING), client_frame(TEXT, b"{}")], ids=["pings", "texts"]
    )
    def test_frames_after_it_are_exhausting(self, connection: FakeConnection, frame: bytes) -> None:
        connection.close(4000, "restart")
        connection.receiver.read(frame * 10_000)
        assert not connection.transport.is_read
        assert connection.heard.count("frame") <= AFTER_CLOSE_BYTES // 8192 + 1
        assert connection.receiver.is_exhausted(0)

    def test_bytes_after_it_are_exhausting(self, connection: FakeConnection) -> None:
        assert not connection.receiver.is_exhausted(AFTER_CLOSE_BYTES)
        assert connection.transport.is_read
        assert connection.receiver.is_exhausted(1)
        assert not connection.transport.is_read


class TestBeforeTheWelcome:
    @pytest.fixture
    def connection(self) -> FakeConnection:
        connection = FakeConnection()
        connection.session.channel = None
        connection.session.stage = Stage.CHALLENGED
        return connection

    def test_data_is_refused_before_it_is_kept(self, connection: FakeConnection) -> None:
        connection.receiver.read(binary(bytes(1000))[:10])
        assert connection.sent == [4501]
        assert connection.ledger.held == FRAME_READER_BYTES
        connection.lose()

    def test_texts_are_passed_on(self, connection: FakeConnection) -> None:
        connection.receiver.read(client_frame(TEXT, b"hello"))
        assert connection.heard == ["frame", "hello"]
        assert connection.receiver.reader.message_bytes == -1

    def test_a_hello_in_fragments_opens_the_way_for_data(self, connection: FakeConnection) -> None:
        first, second = client_frame(TEXT, b"hel", fin=False), client_frame(CONTINUATION, b"lo")
        connection.receiver.read(first)
        connection.session.stage, connection.session.channel = Stage.JOINED, "a channel"
        connection.receiver.read(second + binary(b"data"))
        assert connection.heard == ["frame", "frame", "hello", b"data"]
        assert connection.receiver.reader.message_bytes == MOST


MISTAKES: dict[str, tuple[str, bytes]] = {
    "data": ("data_received", binary(b"data")),
    "a text": ("text_received", client_frame(TEXT, b"text")),
    "a frame": ("frame_received", client_frame(TEXT, b"text")),
    "a ping": ("ping_received", client_frame(PING)),
    "data in fragments": (
        "data_received",
        client_frame(BINARY, b"1", fin=False) + client_frame(CONTINUATION, b"2"),
    ),
    "a text in fragments": (
        "text_received",
        client_frame(TEXT, b"1", fin=False) + client_frame(CONTINUATION, b"2"),
    ),
}


@pytest.mark.parametrize(("method", "stream"), MISTAKES.values(), ids=MISTAKES.keys())
def test_after_a_mistake_of_ours_the_answer_to_its_close_is_read(
    connection: FakeConnection, method: str, stream: bytes
) -> None:
    after = client_frame(PING, b"0123456789") + binary(bytes(100))
    connection.session.failing = {method}
    try:
        connection.receiver.read(stream + after[:9])
    except RuntimeError:
        connection.fail_internally()
    assert connection.sent[-1] == CloseCode.INTERNAL.number
    connection.session.failing = set()
    connection.receiver.read(after[9:])
    assert not connection.is_ended
    connection.receiver.read(close_frame(4008))
    assert connection.is_ended
    assert connection.ledger.held == 0


def test_without_a_session_frames_are_read_and_go_nowhere() -> None:
    connection = FakeConnection()
    connection.receiver.session = None
    for stream, _ in PIECES.values():
        connection.receiver.read(stream)
    connection.receiver.read(client_frame(BINARY, bytes(MOST + 1)))
    assert connection.sent == [b"p", b"p"]
    assert connection.heard == []
    assert connection.ledger.held == 0


BEGUN: dict[str, tuple[bytes, int | None]] = {
    "nothing": (b"", None),
    "a header": (binary(bytes(100))[:1], 0),
    "a message": (binary(bytes(100))[:56], 50),
    "a text": (client_frame(TEXT, bytes(100))[:56], 50),
    "a header of a text": (client_frame(TEXT, bytes(100))[:4], 0),
    "fragments": (client_frame(BINARY, bytes(100), fin=False), 100),
    "a ping": (client_frame(PING, bytes(100))[:56], 0),
    "a ping in fragments": (
        client_frame(BINARY, bytes(9), fin=False) + client_frame(PING, bytes(100))[:56],
        9,
    ),
}


@pytest.mark.parametrize(("begun", "partial"), BEGUN.values(), ids=BEGUN.keys())
def test_it_knows_how_much_there_is_of_a_message(
    connection: FakeConnection, begun: bytes, partial: int | None
) -> None:
    connection.receiver.read(begun)
    assert connection.receiver.partial_bytes == partial
    lent = FRAME_READER_BYTES if begun and begun[0] != 0x80 | BINARY else 0
    assert connection.ledger.held == connection.receiver.held_bytes >= lent + (partial or 0)
    connection.receiver.drop()
    assert connection.ledger.held == connection.receiver.held_bytes == lent
    connection.lose()


def test_an_instance_of_autobahn_is_lent_for_as_long_as_one_is_needed(
    connection: FakeConnection,
) -> None:
    read, factory = connection.receiver.read, connection.factory
    read(client_frame(BINARY, b"1", fin=False))
    lent = connection.foreign
    read(client_frame(PING))
    assert connection.foreign is lent
    read(client_frame(CONTINUATION, b"2"))
    assert connection.foreign is None
    assert factory._spare == [lent]
    read(client_frame(PING))
    assert factory._spare == [lent]


def test_one_that_has_refused_something_is_not_given_back(connection: FakeConnection) -> None:
    connection.receiver.read(client_frame(TEXT, b"\xff"))
    lent = connection.foreign
    connection.receiver.read(close_frame(1007))
    assert connection.foreign is lent
    assert connection.ledger.held == FRAME_READER_BYTES
    connection.lose()
    assert lent not in connection.factory._spare


def cost(stream: bytes) -> int:
    """The bytes that are copied for a stream in one read, as far as FrameReader slices them."""

    class Counting(bytes):
        copied = 0

        def __getitem__(self, index: Any) -> Any:
            found: Any = super().__getitem__(index)
            if isinstance(index, slice):
                Counting.copied += len(found)
            return found

    connection = FakeConnection().join()
    connection.receiver.read(Counting(stream))
    return Counting.copied


FLOODS: dict[str, Callable[[int], bytes]] = {
    "pings": lambda count: client_frame(PING) * count,
    "pongs": lambda count: client_frame(PONG) * count,
    "texts": lambda count: client_frame(TEXT, b"") * count,
    "messages": lambda count: binary(b"") * count,
    "turns": lambda count: (binary(b"") + client_frame(PING)) * (count // 2),
    "fragments": lambda count: (
        (client_frame(BINARY, b"", fin=False) + client_frame(CONTINUATION)) * (count // 2)
    ),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_twice_as_many_frames_in_one_read_cost_twice_as_much(
    flood: Callable[[int], bytes],
) -> None:
    once, twice = cost(flood(200)), cost(flood(400))
    assert once * 1.9 <= twice <= once * 2.1


@pytest.mark.parametrize("opcode", [BINARY, TEXT])
def test_a_whole_message_in_the_middle_of_fragments_is_a_violation(
    connection: FakeConnection, opcode: int
) -> None:
    connection.receiver.read(client_frame(BINARY, b"x", fin=False))
    connection.receiver.read(client_frame(opcode, b"y"))
    assert connection.sent == [1002]
    assert b"y" not in connection.heard


def test_a_close_in_the_middle_of_fragments_ends_it(connection: FakeConnection) -> None:
    first = client_frame(BINARY, b"x", fin=False)
    connection.receiver.read(first + client_frame(CLOSE) + client_frame(CONTINUATION, b"y"))
    assert connection.sent == ["end"]
    assert connection.heard == ["frame", "frame"]
