"""PutTurns: when devices that send many PUTs are read further."""

from collections import OrderedDict

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.mailbox.device_stream import DeviceStream
from vaultrelay.policy.limits.mailbox import PUTS_PER_TURN, SENDERS_PER_TURN


class PutTurns:
    """Pauses a device after some PUTs, and lets few devices go on in each turn of the reactor.

    A PUT costs ten times as much as a message. One read has hundreds of small ones, and the
    messages of others wait until it is done.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[DeviceStream, None] = OrderedDict()
        self._call: Timer | None = None

    def count(self, stream: DeviceStream) -> None:
        """Count a PUT of a device."""
        stream.puts += 1
        if stream.puts % PUTS_PER_TURN == 0:
            self._waiting[stream] = None
            stream.session.flow.gate.add_reason(self)
            if self._call is None:
                self._call = self._clock.callLater(0, self._next_turn)

    def remove(self, stream: DeviceStream) -> None:
        """Drop a closed stream."""
        self._waiting.pop(stream, None)

    def _next_turn(self) -> None:
        for _ in range(min(SENDERS_PER_TURN, len(self._waiting))):
            stream, _ = self._waiting.popitem(last=False)
            stream.session.flow.gate.remove_reason(self)
        self._call = self._clock.callLater(0, self._next_turn) if self._waiting else None
