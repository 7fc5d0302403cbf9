"""MessageReceiver: passes a device's messages from the transport to its session."""

from twisted.internet.interfaces import IDelayedCall

from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.limits.floods import AFTER_CLOSE_BYTES, AFTER_CLOSE_FRAME_BYTES
from vaultrelay.websocket.foreign_frames import ForeignFrames
from vaultrelay.websocket.frame_reader import FrameReader
from vaultrelay.websocket.held_messages import HeldMessages
from vaultrelay.websocket.interfaces import Connection, Factory
from vaultrelay.websocket.internal_errors import closing_on_error
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import CONTROL_BYTES


class MessageReceiver:
    """Reads whole messages by itself, and lets Autobahn read the foreign frames between them.

    A pause does not relay what was already read of the device: that is held until the resume.
    """

    __slots__ = (
        "_after_close",
        "_connection",
        "_factory",
        "_foreign",
        "_held",
        "_is_paused",
        "_resume_call",
        "reader",
        "session",
    )

    def __init__(self, connection: Connection, factory: Factory) -> None:
        self._connection = connection
        self._factory = factory
        self.reader = FrameReader(factory.ledger)
        self._foreign: ForeignFrames | None = None
        self._is_paused = False
        self._held: HeldMessages | None = None
        self._resume_call: IDelayedCall | None = None
        self._after_close = 0
        self.session: Session | None = None

    def read(self, data: bytes) -> None:
        """Take bytes from the transport."""
        reader = self.reader
        if self._held is not None:
            reader.append(data)
            self._held.count(len(data))
        elif reader.is_foreign or reader.rest is not None:
            # The rest is what an exception left that ended the last read.
            reader.append(data)
            self._read_rest()
        elif self._relay(reader.feed(data)) and self.reader.rest is not None:
            self._read_rest()

    def is_exhausted(self, cost: int) -> bool:
        """Return whether a device that was sent a close sends more than any answer to it needs."""
        self._after_close += cost
        if self._after_close <= AFTER_CLOSE_BYTES:
            return False
        self._connection.transport.pauseProducing()
        return True

    def pause(self) -> None:
        """Read no more from the device."""
        self._is_paused = True
        self._connection.transport.pauseProducing()

    def resume(self) -> None:
        """Read from the device again, its held messages first."""
        self._is_paused = False
        if self._held is None:
            self._connection.transport.resumeProducing()
        elif self._resume_call is None:
            # Not at once: an outbox never calls back while the broker calls it.
            self._resume_call = self._factory.reactor.callLater(0, self._read_held)

    def drop(self) -> None:
        """Drop what was read and not relayed; the session is over."""
        self._is_paused = False
        if self._foreign is not None:
            self._foreign.drop_message()
        if self._held is not None:
            self._held.take()
            self._held = None
            # The device's close may be in it, and later bytes continue where it ends.
            self.reader.next_messages()
            self._read_rest()
        self.reader.drop()

    def close(self) -> None:
        """Drop everything; the connection is gone."""
        self.drop()
        # A callback of a frame may have come here: nothing that follows the frame is read.
        self.reader.rest = None
        if self._resume_call is not None:
            self._resume_call.cancel()
        if self._foreign is not None:
            # Not to be lent again, since it may be in the middle of the frame.
            self._foreign.release()
        self.session = self._resume_call = self._foreign = None

    @property
    def held_bytes(self) -> int:
        """Bytes in memory that came from the device, as the ledger counts them."""
        held = 0 if self._held is None else self._held.held_bytes
        lent = 0 if self._foreign is None else self._foreign.held_bytes
        return held + lent + self.reader.held_bytes

    @property
    def partial_bytes(self) -> int | None:
        """See Outbox.partial_bytes."""
        message = None if self._foreign is None else self._foreign.message
        return self.reader.partial_bytes if message is None else message.size

    # Autobahn calls these, for foreign frames: FrameListener.

    @property
    def is_closing(self) -> bool:
        return not self._connection.is_open

    @closing_on_error
    def frame_begun(self) -> None:
        if self.is_closing:
            self.is_exhausted(AFTER_CLOSE_FRAME_BYTES)
        if self.session is not None:
            self.session.frame_received()

    @closing_on_error
    def message_begun(self, is_binary: bool) -> None:
        if is_binary and self.session is not None and self.session.stage is Stage.CHALLENGED:
            # Refused before its payload is kept.
            self.session.break_rule(Rule.DATA_BEFORE_WELCOME)

    @closing_on_error
    def message_refused(self, rule: Rule | None) -> None:
        if self.session is None:
            return
        if rule is not None:
            self.session.break_rule(rule)
        else:
            self.session.close(CloseCode.TOO_BIG, limit=self._factory.message_bytes)

    @closing_on_error
    def message_received(self, payload: bytes, is_binary: bool) -> None:
        if not is_binary:
            self._text_received(payload)
        elif self.session is not None:
            self.session.data_received([payload])

    @closing_on_error
    def pinged(self, payload: bytes) -> None:
        self._connection.send_pong(payload)
        if self.session is not None:
            self.session.ping_received()

    @closing_on_error
    def rule_broken(self, code: int | None, reason: bytes) -> None:
        self._connection.rule_broken(code, reason)

    @closing_on_error
    def close_received(self) -> None:
        self._connection.close_received()

    def fail_internally(self) -> None:
        """Close with 4008."""
        self._connection.fail_internally()

    # Inside.

    def _relay(self, messages: list[bytes]) -> bool:
        """Relay messages; return whether the bytes after them may be read now."""
        session = self.session
        if session is None:
            return True
        end = 0
        while end < len(messages):
            end = session.data_received(messages, end)
            if self._is_paused:
                self._hold(messages[end:])
                return False
        return True

    def _read_rest(self) -> None:
        """Read on from a foreign frame, one frame after another until the device is paused."""
        reader = self.reader
        while reader.rest is not None:
            if self._is_paused:
                self._hold([])
                return
            if self._connection.is_ended or self._after_close > AFTER_CLOSE_BYTES:
                reader.rest = None
                return
            text = None if self.is_closing else reader.next_text(CONTROL_BYTES)
            if text is None:
                self._read_foreign()
            else:
                # A whole text, as a hello is.
                self.frame_begun()
                self._text_received(text)
            if not self._relay(reader.next_messages()):
                return

    def _text_received(self, text: bytes) -> None:
        session = self.session
        if session is not None:
            session.text_received(text)
            if session.channel is not None:
                # From the welcome on.
                self.reader.message_bytes = self._factory.message_bytes
                self._connection.transport.allowance = self.reader

    def _read_foreign(self) -> None:
        frames = self._foreign
        if frames is None:
            frames = self._foreign = self._factory.borrow_frames(self)
        frames.dataReceived(self.reader.next_foreign())
        if frames.inside_message:
            self.reader.is_foreign = True
        elif frames.is_reusable and self._foreign is not None:
            self._foreign = None
            self._factory.return_frames(frames)

    def _hold(self, messages: list[bytes]) -> None:
        """Hold messages and the bytes after them, if there are any."""
        rest_bytes = self.reader.rest_bytes
        if messages or rest_bytes:
            self._held = HeldMessages(messages, rest_bytes, self._factory.ledger)

    def _read_held(self) -> None:
        """Read what a pause left, and then from the transport again."""
        self._resume_call = None
        if self._is_paused or self._held is None:
            return
        messages, self._held = self._held.take(), None
        self._factory.take_turn(self._connection, self._read_on, messages)
        if not (self._is_paused or self._connection.is_ended):
            self._connection.transport.resumeProducing()

    def _read_on(self, messages: list[bytes]) -> None:
        if self._relay(messages) and self._relay(self.reader.next_messages()):
            self._read_rest()
