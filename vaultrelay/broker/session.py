"""Session: the stage and identity of one device on one connection."""

import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

from vaultrelay import __version__
from vaultrelay.broker.device_rates import DeviceRates
from vaultrelay.broker.flow_control import FlowControl
from vaultrelay.broker.liveness import Liveness
from vaultrelay.broker.outbox import Clock, Outbox
from vaultrelay.broker.stages import (
    BROKEN_RULES,
    CHALLENGED,
    CLOSED,
    JOINED,
    LEFT_REASONS,
    TRANSITIONS,
    Control,
    Event,
)
from vaultrelay.policy.access import Admission
from vaultrelay.policy.limits.floods import RETRY_RATE_SECONDS
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.broken_rule import BrokenRule, Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.joining import Challenge
from vaultrelay.wire.data import NO_SESSION, BadHeader, RunEnd, check_data
from vaultrelay.wire.json_object import BadControl
from vaultrelay.wire.proof import RELAY_NONCE_BYTES


class JoinedChannel(Protocol):
    """The channel of a session, as the session uses it."""

    key: bytes

    @property
    def sessions(self) -> Mapping[int, "Session"]:
        """The sessions of the channel by their numbers."""

    def run_end(self, sender: "Session", messages: list[bytes], start: int, to: int) -> RunEnd:
        """Find the messages that can be relayed together from `start` on."""

    def relay(self, sender: "Session", messages: list[bytes], to: int, id: int) -> int:
        """Deliver checked messages; return the number of receivers."""


class SessionOwner(Protocol):
    """The broker, as its sessions use it."""

    clock: Clock
    limits: SessionLimits
    read_control: Callable[[bytes], Control]

    def control_received(self, session: "Session", control: Control) -> None:
        """Answer a control message of the device."""

    def other_received(self, session: "Session", message: bytes, error: BadHeader) -> None:
        """Handle a binary message that is not DATA, or close the session for this error."""

    def forget(self, session: "Session") -> None:
        """Remove an ended session from everything."""


class Session:
    """One device on one connection; numbered from its welcome on.

    The connection calls what ends with `received`, `queue_full`, `hold_sender`, `queue_drained` and
    `connection_lost`; the broker calls the rest. Data messages come whole and within
    `limits.message_bytes`.
    """

    __slots__ = (
        "_owner",
        "address",
        "budgets",
        "bytes_in",
        "channel",
        "close_cause",
        "close_code",
        "device",
        "flow",
        "left_reason",
        "limits",
        "liveness",
        "messages_in",
        "named_channel",
        "nonce",
        "number",
        "opened_at",
        "origin",
        "outbox",
        "rates",
        "stage",
        "token",
    )

    def __init__(
        self, owner: SessionOwner, outbox: Outbox, named_channel: bytes | None, admission: Admission
    ) -> None:
        self._owner = owner
        self.outbox = outbox
        self.named_channel = named_channel
        self.budgets, self.address = admission.budgets, admission.address
        self.token, self.origin = admission.token, admission.origin
        self.limits = limits = owner.limits
        """Those that are announced to the device. A reload does not change them."""
        self.stage = CHALLENGED
        self.nonce = secrets.token_bytes(RELAY_NONCE_BYTES)
        self.channel: JoinedChannel | None = None
        self.number, self.device = NO_SESSION, b""
        self.opened_at = now = owner.clock.seconds()
        self.messages_in = self.bytes_in = 0
        self.close_code: CloseCode | None = None
        self.close_cause = self.left_reason = ""
        self.flow = FlowControl(outbox, owner.clock)
        self.rates = DeviceRates(limits, owner.clock, self.flow.gate)
        self.liveness = Liveness(now, limits.ping_seconds)
        outbox.send_control(Challenge(self.nonce, __version__).encode())

    @property
    def lasted_seconds(self) -> int:
        """Whole seconds since the connection was opened."""
        return int(self._owner.clock.seconds() - self.opened_at)

    # The connection calls these.

    def text_received(self, text: bytes) -> None:
        """Handle a control message of the device."""
        self.flow.message_ended()
        if self._is_flooded():
            return
        try:
            control = self._owner.read_control(text)
        except BadControl as error:
            self.break_rule(error)
        else:
            event = Event(control.type)
            # A hello advances the stage only if it is valid, at `enter`.
            if event in TRANSITIONS[self.stage] or self._advance(event):
                self._owner.control_received(self, control)

    def data_received(self, messages: list[bytes], start: int = 0) -> int:
        """Check, relay and charge the data message at `start`, and with it those after it that
        have the same receivers and need no pause; return where these end."""
        channel = self.channel
        if channel is None:
            self._advance(Event.DATA)
            return len(messages)
        message, end = messages[start], start + 1
        try:
            to, id = check_data(message, self.number)
        except BadHeader as error:
            self._owner.other_received(self, message, error)
            return end
        size = len(message)
        if end < len(messages):
            end, size = channel.run_end(self, messages, start, to)
        self.liveness.is_active = True
        self.messages_in += end - start
        self.bytes_in += size
        # Charged for at least one receiver: reading has a cost, too.
        run = messages if end - start == len(messages) else messages[start:end]
        receivers = channel.relay(self, run, to, id) or 1
        self.rates.charge_deliveries(receivers * (end - start), receivers * size)
        return end

    def frame_received(self) -> None:
        """Charge a frame that is not a whole data message: a fragment, a pong, a control frame."""
        if self.rates.charge_frame():
            if self.stage is CHALLENGED:
                self._close_for_rate("too many frames arrived before the hello")
            elif self.stage is JOINED:
                self.rates.pause_if_in_debt()

    def ping_received(self) -> None:
        """Charge a WebSocket ping of the device, which the connection answers."""
        self._is_flooded()

    def queue_full(self) -> None:
        """The queue to the device went above its high mark."""
        if self.stage is not CLOSED:
            self.flow.queue_full()

    def hold_sender(self, sender: "Session") -> None:
        """Pause `sender`: its messages raised the queue to the device above its high mark."""
        self.queue_full()
        if sender is not self and sender.stage is JOINED:
            self.flow.hold_sender(sender.flow)

    def queue_drained(self) -> None:
        """The queue to the device is below its low mark."""
        self.flow.queue_drained()

    def connection_lost(self, clean: bool) -> None:
        """End the session: the connection is gone, `clean` if the device sent a close."""
        self._end("closed" if clean else "lost")

    # The broker calls these.

    def enter(self, channel: JoinedChannel, number: int, device: bytes) -> None:
        """Join `channel`, which has given the session its number."""
        self._advance(Event.HELLO)
        self.channel = channel
        self.number = self.flow.number = number
        self.device = device
        self.nonce, self.named_channel = b"", None
        self.liveness.is_active = True

    def break_rule(self, rule: Rule | BrokenRule, code: CloseCode = CloseCode.BAD_MESSAGE) -> None:
        """Close for a rule that the device broke."""
        self.close(code, rule.sentence, rule=rule.slug)

    def close(self, code: CloseCode, cause: str = "", **details: object) -> None:
        """Close with a code: `cause` is a sentence for the log, `details` go into the reason."""
        if self.stage is not CLOSED:
            self.close_code, self.close_cause = code, cause
            self._end(LEFT_REASONS.get(code, "closed"))
            self.outbox.close(code.number, code.reason(**details))

    # Inside.

    def _advance(self, event: Event) -> bool:
        """Change the stage by TRANSITIONS, or break a rule; return whether the event is allowed."""
        target = TRANSITIONS[self.stage].get(event)
        if target is not None:
            self.stage = target
            return True
        if rule := BROKEN_RULES.get((self.stage, event)):
            self.break_rule(rule)
        return False

    def _is_flooded(self) -> bool:
        """Charge a control message or a ping; return whether the session is over."""
        if self.rates.charge_control():
            self._close_for_rate("too many control messages and pings arrived")
        return self.stage is CLOSED

    def _close_for_rate(self, cause: str) -> None:
        self.close(CloseCode.RATE, cause, retry=RETRY_RATE_SECONDS)

    def _end(self, left_reason: str) -> None:
        if self._advance(Event.CLOSE):
            self.left_reason = left_reason
            self.liveness.update(self.outbox, self._owner.clock.seconds())
            self._owner.forget(self)
            self.channel = None
            self.rates.close()
            self.flow.close()
