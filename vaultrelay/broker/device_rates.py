"""DeviceRates: the rates of one device, and its pause while it is in debt."""

from math import inf
from typing import NamedTuple

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.broker.read_gate import ReadGate
from vaultrelay.policy.limits.floods import (
    CONTROLS_BURST,
    CONTROLS_PER_SECOND,
    FRAMES_BURST,
    FRAMES_PER_SECOND,
    MIN_PAUSE_SECONDS,
)
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.policy.token_bucket import TokenBucket

OUT_OF_TURN = "out of turn"
"""The pause reason (ReadGate) of a device after its turn."""


class Spending(NamedTuple):
    """What a device spends, or may spend, in one turn."""

    messages: float
    """Deliveries."""
    bytes: float
    frames: float


class DeviceRates:
    """The token buckets of one session.

    Those for messages, bytes and frames are plain numbers that are refilled together: this takes
    less memory and time than three objects. A device in debt is not read until it has paid; one
    with too many control messages is closed by its session.
    """

    __slots__ = (
        "_bytes",
        "_clock",
        "_controls",
        "_filled_at",
        "_frames",
        "_gate",
        "_limits",
        "_messages",
        "_rest",
        "_turn",
    )

    def __init__(self, limits: SessionLimits, clock: Clock, gate: ReadGate) -> None:
        self._limits = limits
        self._clock = clock
        self._gate = gate
        self._filled_at = now = clock.seconds()
        # A rate of 0 is no limit.
        self._messages: float = limits.messages_per_second or inf
        self._bytes: float = limits.bytes_per_second or inf
        self._frames: float = FRAMES_BURST
        self._controls = TokenBucket(CONTROLS_PER_SECOND, now, CONTROLS_BURST)
        self._rest: Timer | None = None
        self._turn: tuple[Spending, Spending] | None = None
        """The tokens before the turn, and those of them that it may spend; None outside of one."""

    def affordable(self, receivers: int) -> tuple[float, float]:
        """Return how many messages to so many receivers, and bytes of these, lead to no debt."""
        return self._messages / receivers, self._bytes / receivers

    def charge_deliveries(self, count: int, size: int) -> None:
        """Charge deliveries of data messages, of `size` bytes together."""
        self._messages -= count
        self._bytes -= size
        if self._messages < 0 or self._bytes < 0:
            self.pause_if_in_debt()

    def begin_turn(self, limit: Spending) -> None:
        """Let the device spend this much until `end_turn`, and pause it out of turn for more."""
        tokens = Spending(self._messages, self._bytes, self._frames)
        allowed = Spending(*map(min, tokens, limit))
        self._turn = tokens, allowed
        self._messages, self._bytes, self._frames = allowed

    def end_turn(self) -> Spending | None:
        """Return what was spent in the turn; None outside of one."""
        if self._turn is None:
            return None
        (messages, octets, frames), allowed = self._turn
        self._turn = None
        spent = Spending(
            allowed.messages - self._messages,
            allowed.bytes - self._bytes,
            allowed.frames - self._frames,
        )
        self._messages = messages - spent.messages
        self._bytes = octets - spent.bytes
        self._frames = frames - spent.frames
        self.pause_if_in_debt()
        return spent

    def charge_frame(self) -> bool:
        """Charge a frame that is not a whole message; return whether the device may exceed its
        rate."""
        self._frames -= 1
        return self._frames < 0

    def charge_control(self) -> bool:
        """Charge a control message or a ping; return whether it exceeds the rate."""
        controls = self._controls
        return controls.spend(1) and controls.debt_seconds(self._clock.seconds()) > 0

    def refill(self, now: float) -> None:
        """Add the tokens earned since the last refill, up to the bursts. To be called every
        tick."""
        messages, octets = self._limits.messages_per_second, self._limits.bytes_per_second
        seconds, self._filled_at = now - self._filled_at, now
        self._messages = min(messages or inf, self._messages + seconds * messages)
        self._bytes = min(octets or inf, self._bytes + seconds * octets)
        self._frames = min(FRAMES_BURST, self._frames + seconds * FRAMES_PER_SECOND)

    def pause_if_in_debt(self) -> None:
        """Pause a device in debt until the debt is paid, or its turn comes."""
        if self._turn is not None:
            self._gate.add_reason(OUT_OF_TURN)
            return
        self.refill(self._clock.seconds())
        limits = self._limits
        debt = max(
            -self._messages / (limits.messages_per_second or 1),
            -self._bytes / (limits.bytes_per_second or 1),
            -self._frames / FRAMES_PER_SECOND,
        )
        if debt > 0 and self._rest is None:
            self._rest = self._clock.callLater(max(debt, MIN_PAUSE_SECONDS), self._rested)
            self._gate.add_reason(self)

    def close(self) -> None:
        """Stop the timer: the session ends."""
        if self._rest is not None:
            self._rest.cancel()

    def _rested(self) -> None:
        self._rest = None
        self.pause_if_in_debt()
        if self._rest is None:
            self._gate.remove_reason(self)
