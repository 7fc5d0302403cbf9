"""The client's WebSocket: Autobahn's callbacks turned into one ordered stream of events."""

from collections.abc import Callable
from typing import Any

from autobahn.exception import PayloadExceededError
from autobahn.twisted.websocket import WebSocketClientProtocol
from autobahn.websocket.types import ConnectionResponse
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from vaultrelay.client.events import Closed, Event, read_data
from vaultrelay.client.frame import close_frame, masked_frame
from vaultrelay.client.refused import Refused, UpgradeReader, other_websocket
from vaultrelay.client.send_room import SendRoom
from vaultrelay.policy.limits.floods import FRAGMENTS_PER_MESSAGE
from vaultrelay.wire import VERSION
from vaultrelay.wire.announced import MAILBOX
from vaultrelay.wire.broken_rule import BrokenRule
from vaultrelay.wire.control.from_relay import read_from_relay
from vaultrelay.wire.control.joining import Challenge, Welcome
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.mailbox import ITEM_HEADER_BYTES

CONTROL_LIMIT = 64 * 1024
"""The largest control message, `welcome`, stays below it with any number of peers."""
CLOSE_SECONDS = 2
"""A relay that broke the protocol has as long to read the close; then the connection is aborted."""
_LARGEST_ITEM = ITEM_HEADER_BYTES + MAILBOX["item_bytes"][1]
Answer = Callable[[Challenge], bytes]
"""Makes the hello that answers a challenge."""
Explain = Callable[[Exception], Exception]
"""Returns the error for the user in place of the endpoint's."""


class DeviceSocket(WebSocketClientProtocol):
    """One connection to a relay; `on_event` gets the events after the welcome, then Closed."""

    # Autobahn reads this before its options are set, and so never sets TCP_NODELAY without it.
    tcpNoDelay = True

    transport: Any

    def __init__(
        self,
        clock: IReactorTime,
        answer: Answer,
        on_event: Callable[[Event | Closed], None],
        *,
        explain: Explain,
        wants_mailbox: bool = False,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._challenged = False
        self._opened = False
        self._upgrade = UpgradeReader()
        self._answer_bytes = 0
        self.last_received_at = clock.seconds()
        self.welcomed: Deferred[Welcome] = Deferred()
        self.room = SendRoom()
        self.relay_version = ""
        self._answer = answer
        self._explain = explain
        self._wants_mailbox = wants_mailbox
        self._mail_session = 0
        self._longest_sent = 0
        self.on_event = on_event
        self.is_reading = True
        self._fragments = 0
        self._abort_timer: IDelayedCall | None = None
        self._error: Exception | None = None
        self._is_over = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.registerProducer(self.room, True)

    def dataReceived(self, data: bytes) -> None:
        self.last_received_at = self._clock.seconds()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._abort_timer is not None and self._abort_timer.active():
            self._abort_timer.cancel()
        value: Any = reason.value
        error = self._explain(value)
        # Of an end of TCP, the answer so far and the close code tell more.
        if self._error is None and not isinstance(error, ConnectionClosed):
            self._error = error
        # Autobahn would log the cause, which the caller gets.
        super().connectionLost(reason if self._error is None else connectionDone)

    def processHandshake(self) -> None:
        # Autobahn would drop the refusal's body, and with it the sentence for people.
        received, self._answer_bytes = self.data[self._answer_bytes :], len(self.data)
        try:
            if self._upgrade.feed(received):
                super().processHandshake()
        except Refused as refused:
            self._fail(refused)

    def onOpen(self) -> None:
        self._opened = True

    def onConnect(self, response: ConnectionResponse) -> None:
        if response.headers.get("x-vaultmesh-protocol") != str(VERSION):
            self._fail(other_websocket())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        try:
            event = read_data(payload, self._mail_session) if isBinary else read_from_relay(payload)
        except BrokenRule as error:
            self.fail_protocol(str(error))
            return
        if isinstance(event, Challenge):
            self._challenge(event)
        elif isinstance(event, Welcome):
            if not self._challenged:
                self.fail_protocol("a welcome without a hello")
            elif not self.welcomed.called:
                self._welcome(event)
        elif isinstance(event, MailboxState | Erased) and not self._mail_session:
            pass
        elif isinstance(event, Event) and self.welcomed.called:
            self.on_event(event)

    def onMessageBegin(self, isBinary: bool) -> None:
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        # A fragment takes memory also if it is empty.
        self._fragments += 1
        if self._fragments > FRAGMENTS_PER_MESSAGE:
            self.fail_protocol("a message in too many fragments")
        super().onMessageFrameBegin(length)

    def onPing(self, payload: bytes) -> None:
        # A relay that does not read pongs does not get more of them to keep.
        if self.room.is_free:
            super().onPing(payload)

    def _challenge(self, challenge: Challenge) -> None:
        """Sign once, and only a challenge of this protocol."""
        if self._challenged or challenge.protocol != VERSION:
            self._fail(
                Closed(
                    1002, "the relay requests a proof that this protocol version does not define"
                )
            )
            return
        self._challenged = True
        self.relay_version = challenge.relay
        self.sendMessage(self._answer(challenge), isBinary=False)

    def _welcome(self, welcome: Welcome) -> None:
        # From here on the relay passes on what peers send, up to its limit.
        self._longest_sent = welcome.limits.message_bytes
        self.maxMessagePayloadSize = max(CONTROL_LIMIT, self._longest_sent)
        if self._wants_mailbox and welcome.mailbox is not None:
            self._mail_session = welcome.session
            # Items may be older than the limits of today.
            self.maxMessagePayloadSize = max(self.maxMessagePayloadSize, _LARGEST_ITEM)
        self.welcomed.callback(welcome)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._is_over = True
        closed = self._error or self._ended(code or 1006, reason or "")
        self.room.end()
        if not self.welcomed.called:
            self.welcomed.errback(closed)
        else:
            self.on_event(closed if isinstance(closed, Closed) else Closed(1006, str(closed)))

    def _ended(self, code: int, reason: str) -> Exception:
        if self._opened:
            return Closed(code, reason)
        try:
            self._upgrade.feed(b"")
        except Refused as refused:
            return refused
        return other_websocket()

    @property
    def can_send(self) -> bool:
        """Whether anything can be sent."""
        return bool(self.state == self.STATE_OPEN)

    def send_data(self, message: bytes) -> None:
        """Send a binary message. Raises PayloadExceededError if the relay takes none so large."""
        if len(message) > self._longest_sent:
            raise PayloadExceededError(
                f"the relay does not accept a message of {len(message)} bytes"
            )
        # Without its compiled part, Autobahn takes 140 ns to mask one byte: 5 MB in a second.
        self.sendData(masked_frame(message))

    def pause_reading(self) -> None:
        """Stop reading: TCP slows the relay down."""
        if self.is_reading and not self._is_over:
            self.is_reading = False
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Resume reading, and restart the deadline for silence."""
        if not self.is_reading and not self._is_over:
            self.is_reading = True
            self.last_received_at = self._clock.seconds()
            self.transport.resumeProducing()

    def fail_protocol(self, violation: str) -> None:
        """Fail the connection with a close of 1002 (RFC 6455, section 7.1.7)."""
        self._fail(Closed(1002, f"the relay broke the protocol: {violation}"))

    def fail_internally(self, error: Exception) -> None:
        """Give the connection up for a fault of this machine."""
        self._fail(Closed(1011, str(error)))

    def abort(self) -> None:
        """Cut the connection off, if there is one."""
        if self.transport is not None and not self._is_over:
            self.dropConnection(abort=True)
            if self._abort_timer is not None:
                # Autobahn has taken the connection for dropped since the close was written.
                self.transport.abortConnection()

    def _fail(self, error: Exception) -> None:
        self._error = error
        if not self.can_send or not isinstance(error, Closed):
            self.dropConnection(abort=True)
            return
        self.sendData(close_frame(error.code))
        self._abort_timer = self._clock.callLater(CLOSE_SECONDS, self.transport.abortConnection)
        self.dropConnection(abort=False)
