"""ForeignFrames: Autobahn's parser, for the frames that FrameReader leaves to it.

Autobahn checks every rule of RFC 6455 here, and reports the results by its documented callbacks.
The connection sends the answers and keeps the state of the closing handshake, so an instance stays
open, and serves one connection after another.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import ITransport
from txaio.tx import make_logger
from zope.interface import implementer

from vaultrelay.policy.limits.memory import FRAME_READER_BYTES
from vaultrelay.websocket.fragmented_message import FragmentedMessage
from vaultrelay.wire.broken_rule import Rule

_UPGRADE = (
    b"GET / HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
"""An upgrade that opens an instance. The device's own was answered before it needs one."""
_FIRST_CONTROL = 0x8
"""The first of the control opcodes (RFC 6455, section 5.2)."""
_MAX_CONTROL_BYTES = 125
"""Bytes of a control frame's payload (RFC 6455, section 5.5)."""


class FrameListener(Protocol):
    """The connection to which the frames belong."""

    @property
    def is_closing(self) -> bool:
        """Whether a close was sent, so that data is useless."""

    def frame_begun(self) -> None:
        """A frame of any kind has begun."""

    def message_begun(self, is_binary: bool) -> None:
        """A message has begun: one in fragments, too large, or cut by the end of a read."""

    def message_refused(self, rule: Rule | None) -> None:
        """The message breaks a rule of the protocol, or is too large if there is none."""

    def message_received(self, payload: bytes, is_binary: bool) -> None:
        """The message is whole."""

    def pinged(self, payload: bytes) -> None:
        """A ping came."""

    def rule_broken(self, code: int | None, reason: bytes) -> None:
        """A frame breaks a rule of RFC 6455; close with this code and reason."""

    def close_received(self) -> None:
        """A close came, the device's own or its answer to one."""


@implementer(ITransport)
class _Nowhere:
    """The transport of an instance during its opening handshake; it drops the answer."""

    disconnecting = False

    def write(self, data: bytes) -> None:
        pass

    def writeSequence(self, data: Iterable[bytes]) -> None:
        pass

    def loseConnection(self) -> None:
        pass

    def getPeer(self) -> UNIXAddress:
        return UNIXAddress(None)

    def getHost(self) -> UNIXAddress:
        return UNIXAddress(None)


class ForeignFrames(WebSocketServerProtocol):
    """An instance of Autobahn's protocol that serves one connection at a time, `listener`."""

    # Its lines would repeat bytes from peers.
    log = make_logger("none")

    current_frame: Any
    listener: FrameListener
    message: FragmentedMessage | None = None

    def open(self) -> None:
        """Pass the opening handshake. Raises RuntimeError if Autobahn refuses it."""
        self.makeConnection(_Nowhere())
        self.dataReceived(_UPGRADE)
        if self.state != self.STATE_OPEN:
            raise RuntimeError("Autobahn refused an upgrade of the relay's own")

    @property
    def is_reusable(self) -> bool:
        """Return whether it is between messages, with nothing refused."""
        return self.current_frame is None and not (
            self.inside_message or self.data or self.failedByMe
        )

    @property
    def held_bytes(self) -> int:
        """Bytes in memory for the listener, as the ledger counts them from `lend` to `release`."""
        return FRAME_READER_BYTES + (0 if self.message is None else self.message.held_bytes)

    def lend(self, listener: FrameListener) -> None:
        """Begin to read for a connection."""
        self.listener = listener
        self.factory.ledger.add(FRAME_READER_BYTES)

    def release(self) -> None:
        """Hold nothing for the connection any more. Its callbacks still come in mid-frame."""
        self.drop_message()
        self.factory.ledger.add(-FRAME_READER_BYTES)

    def drop_message(self) -> None:
        """Drop the incomplete message, and the rest of it when it comes."""
        if self.message is not None:
            self.message.drop()
            self.message = None

    def onFrameBegin(self) -> None:
        self.listener.frame_begun()
        super().onFrameBegin()

    def onFrameData(self, payload: bytes) -> bool | None:
        frame = self.current_frame
        if frame.opcode >= _FIRST_CONTROL:
            if frame.length > _MAX_CONTROL_BYTES:
                # It was refused by its header, but Autobahn would keep what belongs to it.
                return None
        elif self.listener.is_closing:
            # It need not be checked any more, nor the end of a text.
            self.utf8validateIncomingCurrentMessage = False
            return None
        result: bool | None = super().onFrameData(payload)
        return result

    def onMessageBegin(self, isBinary: bool) -> None:
        self.message = FragmentedMessage(isBinary, self.factory.ledger)
        self.listener.message_begun(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        if self.message is None or self.listener.is_closing:
            return
        message = self.message
        rule = message.begin_fragment(length)
        # A control message has a limit of its own, which is a rule.
        is_too_big = message.is_binary and message.announced > self.factory.message_bytes
        if rule is not None or is_too_big:
            self.listener.message_refused(rule)

    def onMessageFrameData(self, payload: bytes) -> None:
        if self.message is not None:
            self.message.add(payload)

    def onMessageFrameEnd(self) -> None:
        pass

    def onMessageEnd(self) -> None:
        message, self.message = self.message, None
        if message is not None and not self.listener.is_closing:
            self.listener.message_received(message.take(), message.is_binary)

    def onPing(self, payload: bytes) -> None:
        self.listener.pinged(payload)

    def sendCloseFrame(
        self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False
    ) -> None:
        # Without a change of state: the connection keeps that of the closing handshake.
        if not isReply:
            self.listener.rule_broken(code, reasonUtf8 or b"")

    def dropConnection(self, abort: bool = False) -> None:
        # What Autobahn does at the end of a close frame, after the answer to it; before it is open
        # it refuses the upgrade so.
        if self.state == self.STATE_OPEN:
            self.listener.close_received()
