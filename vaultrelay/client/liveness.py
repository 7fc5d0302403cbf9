"""Liveness: whether the relay at the other end of a connection still responds."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall

from vaultrelay.client.connection import DeviceSocket
from vaultrelay.wire.control.in_session import Keepalive

WATCH_SECONDS = 1
"""Between two checks of the relay's silence."""
SILENCE_FACTOR = 1.5
"""Ping intervals after which a silent relay counts as lost (protocol page, Keepalive)."""
PROBE_SECONDS = 5
"""For the answer to a keepalive, when the connection may have died unnoticed (protocol page,
Reconnecting)."""


class Liveness:
    """Cuts off a silent connection. `ping_seconds` is the interval in force.

    `is_suspect`: a probe has no answer, or had none when the connection ended.
    """

    def __init__(self, socket: DeviceSocket, clock: IReactorTime, ping_seconds: int) -> None:
        self.ping_seconds = ping_seconds
        self.is_suspect = False
        self._socket = socket
        self._clock = clock
        self._requests = self._answers = self._awaited = 0
        self._probe: IDelayedCall | None = None
        self._watch = LoopingCall(self._check_silence)
        self._watch.clock = clock
        self._watch.start(WATCH_SECONDS, now=False)

    def request(self, ping_seconds: int) -> None:
        """Ask the relay for an interval."""
        self._requests += 1
        self._socket.sendMessage(Keepalive(ping_seconds).encode(), isBinary=False)

    def probe(self) -> None:
        """Cut the connection off unless the relay answers within PROBE_SECONDS."""
        if not self.is_suspect:
            self.is_suspect = True
            self.request(self.ping_seconds)
            self._awaited = self._requests
            self._probe = self._clock.callLater(PROBE_SECONDS, self._drop)
            self._check_silence()

    def answered(self, ping_seconds: int) -> None:
        """The relay has named the interval in force."""
        self.ping_seconds = ping_seconds
        # Answers come in the order of the requests. An unsolicited one must not count for a later
        # request.
        self._answers = min(self._answers + 1, self._requests)
        if self._answers >= self._awaited:
            self.is_suspect = False
            self._cancel_probe()

    def stop(self) -> None:
        """The connection has ended."""
        self._watch.stop()
        self._cancel_probe()

    def _cancel_probe(self) -> None:
        if self._probe is not None and self._probe.active():
            self._probe.cancel()

    def _check_silence(self) -> None:
        # A relay pings when it has sent nothing; a longer silence means a lost connection.
        silence = self._clock.seconds() - self._socket.last_received_at
        if silence >= SILENCE_FACTOR * self.ping_seconds:
            self._drop()

    def _drop(self) -> None:
        # What is not read may contain the answer.
        if self._socket.is_reading:
            self._socket.abort()
