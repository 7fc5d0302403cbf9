"""DeviceReader: what a device says, on its way to its session."""

from collections.abc import Sequence
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall

from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.limits import AFTER_CLOSE_BYTES, FRAGMENTS_PER_MESSAGE
from vaultrelay.websocket.autobahn_guards import close_for_error, closing_on_error
from vaultrelay.websocket.frames import FrameWalk, whole_text
from vaultrelay.websocket.open_protocol import OpenProtocol
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import CONTROL_BYTES

if TYPE_CHECKING:
    from vaultrelay.websocket.factory import DeviceFactory

_CLOSE = 0x8
"""The first of the control opcodes."""
_LONGEST_CONTROL = 125
"""Bytes of a control frame's payload (RFC 6455, section 5.5)."""
_FRAME_PRICE = 8192
"""What a frame costs that Autobahn reads, in bytes that are only skipped."""
_AUTOBAHN_PIECE = 4096
"""Bytes that Autobahn gets at a time."""


class DeviceReader(OpenProtocol):
    """The reading half of a connection: the frame walk, and Autobahn for what it leaves."""

    __slots__ = (
        "_after_close",
        "_fragments",
        "_fragments_held",
        "_go_on_call",
        "_held",
        "_in_fragments",
        "_is_paused",
        "_left",
        "_session",
        "_walk",
        "factory",
        "received_since_tick",
        "transport",
    )

    def __init__(self, factory: "DeviceFactory") -> None:
        super().__init__()
        self.factory = factory
        self.transport: Any = None
        self.received_since_tick = False
        self._session: Session | None = None
        # Whoever has sent no data yet needs none, and while Autobahn is in a message there is none.
        self._walk: FrameWalk | None = None
        self._is_paused = False
        self._left: tuple[Sequence[bytes], bytes, int] | None = None
        self._go_on_call: IDelayedCall | None = None
        self._fragments = 0
        self._in_fragments = self._fragments_held = 0
        self._held = 0
        self._after_close = 0

    if TYPE_CHECKING:

        def fail_session(self, code: CloseCode, cause: str = "", **details: object) -> None:
            """Close with a code of ours."""

        def break_rule(self, rule: Rule, code: CloseCode = CloseCode.BAD_MESSAGE) -> None:
            """Close for a rule that the device broke."""

    def dataReceived(self, data: bytes) -> None:
        self.received_since_tick = True
        if self.failedByMe and self._talks_on(len(data)):
            return
        factory = self.factory
        batch = factory.batch
        batch.begin(self)
        try:
            if self._left is None:
                self._read(data)
            else:
                messages, late, size = self._left
                self._left = messages, late + data, size + len(data)
                self._count(len(data))
        except Exception:
            close_for_error(self)
        finally:
            batch.end()
        if factory.ledger.is_over:
            factory.relieve()

    def onFrameBegin(self) -> None:
        if self.failedByMe:
            self._talks_on(_FRAME_PRICE)
        self._said_frame()
        super().onFrameBegin()

    def onFrameData(self, payload: bytes) -> bool | None:
        if self.current_frame.opcode >= _CLOSE and self.current_frame.length > _LONGEST_CONTROL:
            # It was refused by its header, but Autobahn would keep what claims to belong to it.
            return None
        refused: bool | None = super().onFrameData(payload)
        return refused

    @closing_on_error
    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self._fragments = 0
        if isBinary and self._session is not None and self._session.stage is Stage.CHALLENGED:
            # Refused before its payload is kept.
            self.break_rule(Rule.DATA_BEFORE_WELCOME)

    @closing_on_error
    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self._fragments += 1
        size = self.message_data_total_length
        if not self.message_is_binary and size > CONTROL_BYTES:
            self.break_rule(Rule.CONTROL_SIZE)
        elif self._fragments > FRAGMENTS_PER_MESSAGE:
            self.break_rule(Rule.FRAGMENTS)
        elif size > self.factory.message_bytes:
            self.fail_session(CloseCode.TOO_BIG, limit=self.factory.message_bytes)

    def onMessageFrameData(self, payload: bytes) -> None:
        super().onMessageFrameData(payload)
        if not self.failedByMe:
            self._in_fragments += len(payload)
            size = getsizeof(payload)
            self._fragments_held += size
            self._count(size)

    def onMessageEnd(self) -> None:
        self._count(-self._fragments_held)
        self._in_fragments = self._fragments_held = 0
        super().onMessageEnd()

    @closing_on_error
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        session = self._session
        if session is not None:
            (session.data_received if isBinary else session.text_received)(payload)

    @property
    def session(self) -> Session | None:
        """Whose connection it is, from the upgrade to the close."""
        return self._session

    # The half of Outbox that is about reading.

    @property
    def partial_bytes(self) -> int | None:
        """See Outbox.partial_bytes."""
        if self.inside_message:
            return self._in_fragments
        if self.data or self.current_frame is not None:
            # A control frame, or a header.
            return 0
        walk = self._walk
        return None if walk is None or not walk.is_holding else walk.held

    def pause(self) -> None:
        self._is_paused = True
        self.transport.pauseProducing()

    def resume(self) -> None:
        self._is_paused = False
        if self._left is None:
            self.transport.resumeProducing()
        elif self._go_on_call is None:
            # Not at once: an outbox never calls back while the broker calls it.
            self._go_on_call = self.factory.reactor.callLater(0, self._go_on)

    # Inside.

    @property
    def _may_walk(self) -> bool:
        """Whether the frame walk may take what comes: after the join, Autobahn in no message."""
        session = self._session
        return session is not None and session.channel is not None and self._is_between_frames

    @property
    def _is_between_frames(self) -> bool:
        """Whether Autobahn is in no message."""
        return not self.data and self.current_frame is None and not self.inside_message

    def _read(self, data: bytes) -> None:
        walk = self._walk
        if walk is None and self._may_walk:
            walk = self._walk = FrameWalk(self.factory.message_bytes, self.factory.ledger)
        if walk is None:
            self._give_autobahn(data)
        else:
            messages, rest = walk.feed(data)
            if self._relay(messages, rest) and rest:
                self._walk = None
                self._give_autobahn(rest)

    def _relay(self, messages: Sequence[bytes], rest: bytes) -> bool:
        """Relay messages; whether the `rest` of the read may be taken as well.

        Pausing a device does not stop what was read of it already. What is left then waits.
        """
        session = self._session
        if session is None:
            return True
        remaining = iter(messages)
        for message in remaining:
            session.data_received(message)
            if self._is_paused:
                left = tuple(remaining)
                if left or rest:
                    self._leave(left, rest)
                return False
        return True

    def _give_autobahn(self, data: bytes) -> None:
        if self.state == self.STATE_CLOSED:
            # Autobahn would keep it until the connection is cut.
            return
        if self._is_between_frames and self._says_text(data):
            return
        while data and not self._is_paused:
            # In pieces, so that a pause ends this path soon, too.
            if self._after_close > AFTER_CLOSE_BYTES:
                return
            self._dataReceived(data[:_AUTOBAHN_PIECE])
            data = data[_AUTOBAHN_PIECE:]
        if data:
            self._leave((), data)

    def _leave(self, messages: Sequence[bytes], rest: bytes) -> None:
        """Keep for later what was read and may not be relayed now."""
        # Of small messages the objects take more than the bytes.
        size = sum(map(getsizeof, messages)) + len(rest)
        self._left = messages, rest, size
        self._count(size)

    def _talks_on(self, cost: int) -> bool:
        """Whether a device that was sent a close says more than anybody needs to answer it."""
        self._after_close += cost
        if self._after_close <= AFTER_CLOSE_BYTES:
            return False
        self.transport.pauseProducing()
        return True

    def _drop_read(self) -> None:
        """Give up all that was read and not relayed; the session is over."""
        self._left = None
        self.message_data = self.frame_data = []
        self._count(-self._held)
        self._in_fragments = self._fragments_held = 0
        if self._walk is not None:
            self._walk.drop()

    def _count(self, size: int) -> None:
        """Count bytes that are held for the device, beside those of the frame walk."""
        self._held += size
        self.factory.ledger.add(size)

    def _says_text(self, data: bytes) -> bool:
        """Hear a read that is one whole text, as a hello is; whether it is."""
        session = self._session
        if session is None or self._is_paused or self.state != self.STATE_OPEN:
            return False
        text = whole_text(data, CONTROL_BYTES)
        if text is None:
            return False
        try:
            text.decode()
        except UnicodeDecodeError:
            # Autobahn knows what to say to that.
            return False
        self._said_frame()
        session.text_received(text)
        return True

    def _go_on(self) -> None:
        """Take up what a pause left, and read again when all of it is done."""
        self._go_on_call = None
        if self._is_paused or self._left is None:
            return
        (messages, late, size), self._left = self._left, None
        self._count(-size)
        self.factory.batch.begin(self)
        try:
            if self._relay(messages, late):
                self._read(late)
        except Exception:
            close_for_error(self)
        finally:
            self.factory.batch.end()
        if not self._is_paused:
            self.transport.resumeProducing()

    @closing_on_error
    def _said_frame(self) -> None:
        if self._session is not None:
            self._session.frame_received()
