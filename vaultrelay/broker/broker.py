"""Broker: the channels and sessions of one relay."""

from collections.abc import Callable
from math import ceil

from vaultrelay.broker.admission import AdmissionControl
from vaultrelay.broker.channel import Channel
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.deadlines import check_deadlines, extend_deadlines
from vaultrelay.broker.drain_turns import DrainTurns
from vaultrelay.broker.hello import check_hello, welcome
from vaultrelay.broker.idle_disconnects import IdleDisconnects
from vaultrelay.broker.mailbox import Mailbox
from vaultrelay.broker.outbox import Clock, Outbox
from vaultrelay.broker.session import Session
from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.broker.stages import JOINED, Control
from vaultrelay.policy.access import ANONYMOUS, Admission
from vaultrelay.policy.budgets import BudgetBook, Budgets
from vaultrelay.policy.limits.drain import DRAIN_RECONNECT
from vaultrelay.policy.limits.timeouts import STANDSTILL_SECONDS
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.in_session import Draining, Keepalive
from vaultrelay.wire.control.joining import Hello
from vaultrelay.wire.data import BadHeader


class Broker:
    """All channels and sessions of one relay.

    `on_join` is called with every welcomed session, `on_end` with every one that ended, welcomed or
    not.
    """

    def __init__(
        self,
        clock: Clock,
        settings: BrokerSettings,
        *,
        on_join: Callable[[Session], None] = lambda session: None,
        on_end: Callable[[Session], None] = lambda session: None,
    ) -> None:
        self.clock = clock
        self.counters = Counters()
        self.idle_disconnects = IdleDisconnects()
        self.channels: dict[bytes, Channel] = {}
        self.sessions: set[Session] = set()
        self.joined = 0
        self.mailbox: Mailbox | None = None
        self.read_control: Callable[[bytes], Control] = read_from_device
        self.budgets = BudgetBook()
        self.admission = AdmissionControl(clock, self.counters, self.budgets)
        self._on_end = on_end
        self._on_join = on_join
        self._started_at = self._ticked_at = clock.seconds()
        self._drain: DrainTurns | None = None
        self.configure(settings)

    def configure(self, settings: BrokerSettings) -> None:
        """Apply new settings.

        A session keeps the limits that were announced to it, and stays open until
        `close_if_refused`.
        """
        self.limits = settings.limits
        self.audiences = settings.audiences
        self.access = settings.access
        self.node_name = settings.node_name
        self.admission.configure(settings)

    def close_if_refused(self, session: Session) -> bool:
        """Close a session if the access rules no longer admit it; return whether they do not."""
        is_refused = session in self.sessions and not self._is_allowed(session)
        if is_refused:
            session.close(CloseCode.KICKED)
        return is_refused

    def open_mailbox(self, mailbox: Mailbox) -> None:
        """Offer a mailbox from now on."""
        self.mailbox = mailbox
        self.read_control = mailbox.read_control

    @property
    def draining(self) -> bool:
        """Whether the relay drains."""
        return self._drain is not None

    @property
    def uptime_seconds(self) -> int:
        """Whole seconds since the start."""
        return int(self.clock.seconds() - self._started_at)

    def admit(self, name: bytes | None, budgets: Budgets = (), retry_seconds: int = 0) -> None:
        """Admit an upgrade, which may name its channel. Raises Refusal if there is no room, or if
        the relay is too busy to join the device before `retry_seconds`."""
        channel = self.channels.get(name) if name is not None else None
        self.admission.admit(name, channel, budgets, retry_seconds)

    def open(
        self, outbox: Outbox, channel: bytes | None, admission: Admission = ANONYMOUS
    ) -> Session:
        """Return a session for an admitted connection; its challenge is already sent."""
        session = Session(self, outbox, channel, admission)
        self.admission.opened(session)
        self.sessions.add(session)
        return session

    def control_received(self, session: Session, control: Control) -> None:
        """Answer a control message, which the session allows at its stage."""
        if isinstance(control, Hello):
            self._join(session, control)
        elif isinstance(control, Keepalive):
            session.liveness.is_active = True
            session.liveness.set_interval(control.ping_seconds)
            session.outbox.send_control(Keepalive(session.liveness.ping_seconds).encode())
        elif self.mailbox is None or not self.mailbox.control_received(session, control):
            session.break_rule(Rule.UNKNOWN_TYPE)

    def other_received(self, session: Session, message: bytes, error: BadHeader) -> None:
        """Store a PUT; close the session for `error` if the message is none."""
        try:
            if self.mailbox is not None and self.mailbox.put(session, message):
                return
        except BadHeader as malformed:
            error = malformed
        session.break_rule(error)

    def _join(self, session: Session, hello: Hello) -> None:
        """Answer a hello: welcome the session into its channel, or close it."""
        channel = self.channels.get(hello.channel)
        refused = check_hello(
            session,
            hello,
            self.clock.seconds(),
            audiences=self.audiences,
            access=self.access,
            book=self.budgets,
        ) or self.admission.check_join(session, channel, hello.device)
        if refused is not None:
            self.counters.refused[refused.counted or refused.code.slug] += 1
            refused.close(session)
            return
        channel = channel or Channel(hello.channel, self.counters)
        older = channel.devices.get(hello.device)
        if older is not None:
            older.close(CloseCode.REPLACED)
        # Also where the older session was the last one of the channel, which ended with it.
        self.channels[hello.channel] = channel
        self.admission.joined(session)
        peers = channel.add(session, hello.device)
        self.joined += 1
        self.counters.joins += 1
        mailbox = self.mailbox if hello.mailbox is not None else None
        welcome(session, peers, self.node_name, None if mailbox is None else mailbox.limits)
        if mailbox is not None and hello.mailbox is not None:
            mailbox.open(session, hello.mailbox)
        self._on_join(session)

    def forget(self, session: Session) -> None:
        """Remove an ended session from everything."""
        self.sessions.discard(session)
        self.admission.ended(session)
        if session.close_code is not None:
            self.counters.closed[session.close_code.slug] += 1
        else:
            self.counters.left[session.left_reason] += 1
        self._on_end(session)
        if session.channel is None:
            return
        if self.mailbox is not None:
            self.mailbox.close(session)
        self.joined -= 1
        self.counters.messages += session.messages_in
        self.counters.bytes += session.bytes_in
        if session.left_reason == "lost":
            self.idle_disconnects.add(session.liveness.silent_seconds(self.clock.seconds()))
        channel = self.channels[session.channel.key]
        channel.remove(session)
        if not channel.sessions:
            del self.channels[channel.key]

    def tick(self) -> None:
        """Check every deadline. To be called at least every TICK_SECONDS."""
        now = self.clock.seconds()
        gap, self._ticked_at = now - self._ticked_at, now
        self.admission.tick(now)
        for session in tuple(self.sessions):
            if gap > STANDSTILL_SECONDS:
                extend_deadlines(session, gap, now)
            else:
                check_deadlines(session, now)
        if self._drain is not None:
            for session in self._drain.due(now):
                session.close(CloseCode.RESTART)

    def drain(self, seconds: float, spread: float | None = None) -> None:
        """Announce the stop to every device, and close all of them within `seconds`.

        The closes are spread over the first `spread` of them, by default over all; those of one
        channel come together.
        """
        if self.draining:
            return
        self.admission.is_draining = True
        self._drain = DrainTurns(
            [list(channel.sessions.values()) for channel in self.channels.values()],
            self.clock.seconds(),
            seconds if spread is None else spread,
        )
        message = Draining("restart", ceil(seconds), DRAIN_RECONNECT).encode()
        for session in tuple(self.sessions):
            if session.stage is JOINED:
                session.outbox.send_control(message)
            else:
                session.close(CloseCode.RESTART)

    def close_all(self) -> None:
        """Close every session now, whatever its turn in a drain."""
        for session in tuple(self.sessions):
            session.close(CloseCode.RESTART)

    def _is_allowed(self, session: Session) -> bool:
        channel = session.channel.key if session.channel else session.named_channel
        return self.access.still_allows(session.address, session.token, channel, session.origin)
