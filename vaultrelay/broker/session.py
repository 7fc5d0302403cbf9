"""Session: one device's stay, from the challenge to the close."""

import secrets
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from vaultrelay.broker.backlog import Backlog
from vaultrelay.broker.liveness import Liveness
from vaultrelay.broker.outbox import Clock, Outbox, Timer
from vaultrelay.broker.progress import MessageProgress
from vaultrelay.broker.reading import Reading
from vaultrelay.policy.addresses import PeerAddress
from vaultrelay.policy.budgets import Budgets
from vaultrelay.policy.limits import (
    CONTROLS_BURST,
    CONTROLS_PER_SECOND,
    FRAMES_BURST,
    FRAMES_PER_SECOND,
    HELLO_SECONDS,
    RETRY_RATE_SECONDS,
    SHORTEST_REST_SECONDS,
    UNFINISHED_SECONDS,
    SessionLimits,
)
from vaultrelay.policy.token_bucket import TokenBucket
from vaultrelay.wire.broken_rule import BrokenRule, Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import Busy, Challenge, Hello, Keepalive, Ready, read_from_device
from vaultrelay.wire.data import NOBODY, BadHeader, check_data
from vaultrelay.wire.json_object import BadControl
from vaultrelay.wire.proof import RELAY_NONCE_BYTES

if TYPE_CHECKING:
    from vaultrelay.broker.channel import Channel
    from vaultrelay.broker.reserved import Slot


class Stage(Enum):
    """Where a session stands."""

    CHALLENGED = "challenged"
    JOINED = "joined"
    CLOSED = "closed"


class Event(Enum):
    """What a device can send."""

    HELLO = "hello"
    KEEPALIVE = "keepalive"
    DATA = "data"


LEGAL = frozenset(
    {
        (Stage.CHALLENGED, Event.HELLO),
        (Stage.JOINED, Event.KEEPALIVE),
        (Stage.JOINED, Event.DATA),
    }
)
"""What a device may send when. Only a good hello changes the stage, to JOINED; any close changes it
to CLOSED, where nothing is heard any more."""

_ILLEGAL = {
    (Stage.CHALLENGED, Event.KEEPALIVE): Rule.KEEPALIVE_BEFORE_WELCOME,
    (Stage.CHALLENGED, Event.DATA): Rule.DATA_BEFORE_WELCOME,
    (Stage.JOINED, Event.HELLO): Rule.SECOND_HELLO,
}
"""Everything else, which closes with 4501."""

_TOLD_TO_PEERS = {
    CloseCode.IDLE: "idle",
    CloseCode.PING_TIMEOUT: "lost",
    CloseCode.SLOW: "slow",
    CloseCode.MEMORY: "slow",
    CloseCode.REPLACED: "replaced",
    CloseCode.RESTART: "draining",
}
"""What peers are told of a session that the relay closed; "closed" for all other codes."""


_REST = "rest"
"""The reason for which a device over its rate is not read."""


class SessionOwner(Protocol):
    """What a session needs of the broker that keeps it."""

    clock: Clock
    limits: SessionLimits

    def join(self, session: "Session", hello: Hello) -> None:
        """Let the session in, or close it."""

    def forget(self, session: "Session") -> None:
        """Take an ended session out of everything."""


class Session:
    """One device on one connection; numbered from its welcome on.

    The connection calls what ends with `received`, `queue_full`, `queue_drained` and
    `connection_lost`; the broker calls the rest. Data messages come whole and within
    `limits.message_bytes`.
    """

    __slots__ = (
        "_backlog",
        "_bytes",
        "_controls",
        "_frames",
        "_liveness",
        "_messages",
        "_owner",
        "_reading",
        "_rest",
        "_unfinished",
        "address",
        "budgets",
        "bytes_in",
        "channel",
        "close_cause",
        "close_code",
        "device",
        "left_reason",
        "limits",
        "messages_in",
        "named_channel",
        "nonce",
        "number",
        "opened_at",
        "origin",
        "outbox",
        "slot",
        "stage",
        "token",
    )

    def __init__(
        self, owner: SessionOwner, outbox: Outbox, named_channel: bytes | None, version: str
    ) -> None:
        now = owner.clock.seconds()
        # Those that it is told: others may be in force before it ends.
        self.limits = limits = owner.limits
        self._owner = owner
        self.outbox = outbox
        self.named_channel = named_channel
        self.slot: Slot | None = None
        self.address: PeerAddress | None = None
        self.token: bytes | None = None
        self.origin: str | None = None
        self.budgets: Budgets = ()
        self.stage = Stage.CHALLENGED
        self.nonce = secrets.token_bytes(RELAY_NONCE_BYTES)
        self.channel: Channel | None = None
        self.number = NOBODY
        self.device = b""
        self.opened_at = now
        self.messages_in = 0
        self.bytes_in = 0
        self.close_code: CloseCode | None = None
        self.close_cause = ""
        self.left_reason = ""
        self._messages = TokenBucket(limits.messages_per_second, now)
        self._bytes = TokenBucket(limits.bytes_per_second, now)
        self._frames = TokenBucket(FRAMES_PER_SECOND, now, FRAMES_BURST)
        self._controls = TokenBucket(CONTROLS_PER_SECOND, now, CONTROLS_BURST)
        self._liveness = Liveness(now, limits.ping_seconds)
        self._reading = Reading(outbox)
        self._rest: Timer | None = None
        self._backlog: Backlog | None = None
        self._unfinished: MessageProgress | None = None
        outbox.send_control(Challenge(self.nonce, version).encode())

    @property
    def lasted_seconds(self) -> int:
        """Whole seconds since the connection was opened."""
        return int(self._owner.clock.seconds() - self.opened_at)

    @property
    def silent_seconds(self) -> float:
        """For how long nothing has gone either way, to the second; until its end, if it ended."""
        return self._liveness.silent_seconds(self._owner.clock.seconds())

    # What the connection hears.

    def text_received(self, text: bytes) -> None:
        """A control message of the device."""
        self._unfinished = None  # It was this one.
        if self._flooded():
            return
        try:
            control = read_from_device(text)
        except BadControl as error:
            self.break_rule(error)
            return
        if not self._legal(Event(control.type)):
            return
        if isinstance(control, Hello):
            self._owner.join(self, control)
        else:
            self._liveness.is_active = True
            self._liveness.set_interval(control.ping_seconds)
            self.outbox.send_control(Keepalive(self._liveness.ping_seconds).encode())

    def data_received(self, message: bytes) -> None:
        """A data message of the device: checked, relayed, and counted against its rates."""
        channel = self.channel
        if channel is None:
            self._legal(Event.DATA)
            return
        try:
            to, id = check_data(message, self.number)
        except BadHeader as error:
            self.break_rule(error)
            return
        self._liveness.is_active = True
        self.messages_in += 1
        self.bytes_in += len(message)
        # A broadcast to nobody costs us the reading all the same.
        receivers = channel.relay(self, message, to, id) or 1
        if self._messages.spend(receivers) | self._bytes.spend(receivers * len(message)):
            self._rest_if_in_debt()

    def frame_received(self) -> None:
        """A frame that is not a whole data message: a fragment, a pong, a control frame."""
        if not self._frames.spend(1):
            return
        if self.stage is Stage.CHALLENGED:
            self._close_for_rate("too many frames came before the hello")
        elif self.stage is Stage.JOINED:
            self._rest_if_in_debt()

    def ping_received(self) -> None:
        """A WebSocket ping of the device, which the connection answers."""
        self._flooded()

    def queue_full(self) -> None:
        """The queue to the device went above its high mark."""
        self.backed_up(self)

    def hold_sender(self, sender: "Session") -> None:
        """The queue to the device is above its high mark with what `sender` sent."""
        self.backed_up(sender)

    def queue_drained(self) -> None:
        """The queue to the device is below its low mark: whoever waited for it goes on."""
        backlog, self._backlog = self._backlog, None
        if backlog is None:
            return
        for held in (self, *backlog.held):
            held._reading.go_on_after(self)
        if self.stage is Stage.JOINED:
            for told in backlog.told:
                told.outbox.send_control(Ready(self.number).encode())

    def connection_lost(self, clean: bool) -> None:
        """The connection is gone, after a close of the device's or without one."""
        self._end("closed" if clean else "lost")

    # What the broker does.

    def enter(self, channel: "Channel", device: bytes) -> None:
        """Enter the stage in which data passes; `channel` has numbered the session already."""
        self.stage = Stage.JOINED
        self.channel = channel
        self.device = device
        self.nonce = b""
        self.named_channel = None
        self._liveness.is_active = True

    def backed_up(self, sender: "Session", refused: bool = False) -> None:
        """This session's queue is above its high mark: neither it nor `sender` is read for now.

        A device that does not read must not make the relay answer it into a void. `refused`: what
        `sender` said goes back to it.
        """
        if self.stage is Stage.CLOSED:
            return
        backlog = self._backlog
        if backlog is None:
            backlog = self._backlog = Backlog(self.outbox.bytes_taken, self._owner.clock.seconds())
            self._reading.stop_for(self)
        if sender is self or sender.stage is not Stage.JOINED:
            return
        if backlog.hold(sender):
            sender._reading.stop_for(self)
        if refused:
            backlog.refused(sender)

    def break_rule(
        self, broken: Rule | BrokenRule, code: CloseCode = CloseCode.BAD_MESSAGE
    ) -> None:
        """End the session for a rule that the device broke."""
        self.close(code, broken.sentence, rule=broken.slug)

    def close_without_hello(self) -> None:
        """End the session because it did not join in time."""
        rule = Rule.NO_HELLO if self.outbox.partial_bytes is None else Rule.PARTIAL_HELLO
        self.break_rule(rule, CloseCode.HELLO_TIMEOUT)

    def close(self, code: CloseCode, cause: str = "", **details: object) -> None:
        """End the session: `cause` is a sentence for the log, `details` go into the reason."""
        if self.stage is Stage.CLOSED:
            return
        self.close_code = code
        self.close_cause = cause
        self._end(_TOLD_TO_PEERS.get(code, "closed"))
        self.outbox.close(code.number, code.reason(**details))

    def tick(self, now: float) -> None:
        """Look at every deadline: hello, full queue, unfinished message, session TTL, pong."""
        liveness = self._liveness
        liveness.look(self.outbox, now)
        for bucket in self._rates:
            bucket.refill(now)
        if self.stage is Stage.CHALLENGED:
            if now - self.opened_at >= HELLO_SECONDS:
                self.close_without_hello()
        elif self._backlog is not None:
            liveness.excuse(now)
            self._look_at_backlog(self._backlog, now)
        elif self._is_dripping(now):
            self.break_rule(Rule.PARTIAL_MESSAGE, CloseCode.SLOW)
        elif self.stage is Stage.JOINED:
            if self._reading.against:
                liveness.excuse(now)
            code = liveness.verdict(now, self.limits.session_ttl)
            if code is not None:
                self.close(code)
            elif liveness.wants_ping(now):
                self.outbox.ping()

    def excuse(self, gap: float, now: float) -> None:
        """Count no deadline for the `gap` seconds in which the relay itself stood still."""
        self.opened_at += gap
        for progress in (self._backlog, self._unfinished):
            if progress is not None:
                progress.excuse(gap)
        self._liveness.excuse(now)

    # Inside.

    @property
    def _rates(self) -> tuple[TokenBucket, ...]:
        return self._messages, self._bytes, self._frames

    def _look_at_backlog(self, backlog: Backlog, now: float) -> None:
        """Give up a device that takes nothing: first as a reason to wait, then altogether."""
        taken = self.outbox.bytes_taken
        if backlog.is_over(taken, now):
            self.outbox.drop_queue()
            self.break_rule(Rule.UNREAD, CloseCode.SLOW)
        elif backlog.becomes_busy(taken, now):
            for told in backlog.told:
                told._reading.go_on_after(self)
                told.outbox.send_control(Busy(self.number).encode())

    def _is_dripping(self, now: float) -> bool:
        """Whether a message has begun and does not get on, with the relay reading."""
        came = self.outbox.partial_bytes
        if came is None or self._reading.against:
            self._unfinished = None
            return False
        if self._unfinished is None or self._unfinished.after != self.messages_in:
            self._unfinished = MessageProgress(self.messages_in, came, now)
        return self._unfinished.look(came, now) >= UNFINISHED_SECONDS

    def _legal(self, event: Event) -> bool:
        if self.stage is Stage.CLOSED:
            return False
        if (self.stage, event) not in LEGAL:
            self.break_rule(_ILLEGAL[self.stage, event])
            return False
        return True

    def _flooded(self) -> bool:
        now = self._owner.clock.seconds()
        if self._controls.spend(1) and self._controls.debt_seconds(now):
            self._close_for_rate("too many control messages and pings came")
        return self.stage is Stage.CLOSED

    def _close_for_rate(self, cause: str) -> None:
        self.close(CloseCode.RATE, cause, retry=RETRY_RATE_SECONDS)

    def _rest_if_in_debt(self) -> None:
        """Do not read the device until it has paid for what it sent."""
        clock = self._owner.clock
        now = clock.seconds()
        wait = max(bucket.debt_seconds(now) for bucket in self._rates)
        if wait and self._rest is None:
            self._rest = clock.callLater(max(wait, SHORTEST_REST_SECONDS), self._rested)
            self._reading.stop_for(_REST)

    def _rested(self) -> None:
        self._rest = None
        self._rest_if_in_debt()
        if self._rest is None:
            self._reading.go_on_after(_REST)

    def _end(self, left_reason: str) -> None:
        if self.stage is Stage.CLOSED:
            return
        self.stage = Stage.CLOSED
        self.left_reason = left_reason
        self._liveness.look(self.outbox, self._owner.clock.seconds())
        self._owner.forget(self)
        channel, self.channel = self.channel, None
        if self._rest is not None:
            self._rest.cancel()
        for peer in channel.sessions.values() if channel else ():
            if peer._backlog is not None:
                peer._backlog.forget(self)
        self._reading.forget()
        self.queue_drained()
