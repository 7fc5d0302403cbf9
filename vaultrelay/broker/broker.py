"""Broker: lets sessions join, finds and drops channels, drains."""

from collections.abc import Callable
from math import ceil

from vaultrelay import __version__
from vaultrelay.broker.admission import AdmissionControl
from vaultrelay.broker.channel import Channel
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.drain import Drain
from vaultrelay.broker.objections import objection
from vaultrelay.broker.outbox import Clock, Outbox
from vaultrelay.broker.session import Session, Stage
from vaultrelay.broker.settings import BrokerSettings
from vaultrelay.broker.silences import Silences
from vaultrelay.policy.access import ANYBODY, Admission
from vaultrelay.policy.budgets import BudgetBook, Budgets
from vaultrelay.policy.limits import (
    DRAIN_RECONNECT,
    RETRY_DRAINING_SECONDS,
    STANDSTILL_SECONDS,
)
from vaultrelay.wire import refusal
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import Draining, Hello, Welcome


class Broker:
    """All channels and sessions of one relay.

    `on_join` is called with every session that was welcomed, `on_end` with every one that ended,
    welcomed or not.
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
        self.silences = Silences()
        self.channels: dict[bytes, Channel] = {}
        self.sessions: set[Session] = set()
        self.joined = 0
        self.budgets = BudgetBook()
        self.admission = AdmissionControl(clock, self.counters, self.budgets)
        self._on_end = on_end
        self._on_join = on_join
        self._started_at = self._ticked_at = clock.seconds()
        self._drain: Drain | None = None
        self.configure(settings)

    def configure(self, settings: BrokerSettings) -> int:
        """Go by these settings from now on; return how many sessions had to be closed for it.

        A session keeps the limits that were announced to it.
        """
        self.limits = settings.limits
        self.audiences = settings.audiences
        self.node_name = settings.node_name
        self.admission.configure(
            settings.max_connections, settings.per_address, settings.waiting_per_address
        )
        self.access = settings.access
        gone = [session for session in self.sessions if not self._may_stay(session)]
        for session in gone:
            session.close(CloseCode.KICKED)
        return len(gone)

    @property
    def draining(self) -> bool:
        """Whether the relay is about to stop."""
        return self._drain is not None

    @property
    def uptime_seconds(self) -> int:
        """Whole seconds since the start."""
        return int(self.clock.seconds() - self._started_at)

    def admit(self, name: bytes | None, budgets: Budgets = ()) -> None:
        """Let an upgrade pass, which may name its channel; raises Refusal when there is no room.

        A draining relay closes a channel that is named: a proxy in front leads the new device to
        another relay, where its peers are to follow. But naming takes no proof, so each address can
        end few channels in this way; the others keep their turn.
        """
        channel = self.channels.get(name) if name is not None else None
        if not self.draining:
            self.admission.admit(name, channel, budgets)
            return
        self.counters.refused["draining"] += 1
        if channel is not None and self.budgets.drains_channel(budgets, self.clock.seconds()):
            for session in tuple(channel.sessions.values()):
                session.close(CloseCode.RESTART)
        raise refusal.draining(RETRY_DRAINING_SECONDS)

    def open(
        self, outbox: Outbox, channel: bytes | None, admission: Admission = ANYBODY
    ) -> Session:
        """A session for an admitted connection, challenged already."""
        session = Session(self, outbox, channel, __version__)
        session.address, session.token = admission.address, admission.token
        session.origin = admission.origin
        session.budgets = admission.budgets
        self.admission.opened(session)
        self.sessions.add(session)
        return session

    def join(self, session: Session, hello: Hello) -> None:
        """Answer a hello: welcome the session into its channel, or close it."""
        refused = objection(self, session, hello)
        if refused is not None:
            self.counters.refused[refused.slug] += 1
            refused.close(session, hello)
            return
        channel = self.channels.get(hello.channel) or Channel(hello.channel, self.counters)
        older = channel.devices.get(hello.device)
        if older is not None:
            older.close(CloseCode.REPLACED)
        self.channels[hello.channel] = channel
        self.admission.joined(session)
        peers = channel.add(session, hello.device)
        session.enter(channel, hello.device)
        self.joined += 1
        self.counters.joins += 1
        limits = session.limits
        session.outbox.send_control(
            Welcome(
                session.number,
                tuple(peers),
                Limits(
                    limits.message_bytes,
                    limits.messages_per_second or None,
                    limits.bytes_per_second or None,
                    limits.channel_devices,
                ),
                limits.ping_seconds,
                limits.session_ttl,
                node=self.node_name or None,
            ).encode()
        )
        self._on_join(session)

    def forget(self, session: Session) -> None:
        """Take an ended session out of everything."""
        self.sessions.discard(session)
        self.admission.ended(session)
        if session.close_code is not None:
            self.counters.closed[session.close_code.slug] += 1
        else:
            self.counters.left[session.left_reason] += 1
        self._on_end(session)
        channel = session.channel
        if channel is None:
            return
        self.joined -= 1
        self.counters.messages += session.messages_in
        self.counters.bytes += session.bytes_in
        if session.left_reason == "lost":
            self.silences.note(session.silent_seconds)
        channel.remove(session, session.left_reason)
        if not channel.sessions:
            del self.channels[channel.key]

    def tick(self) -> None:
        """Keep every deadline. To be called at least every TICK_SECONDS."""
        now = self.clock.seconds()
        gap, self._ticked_at = now - self._ticked_at, now
        self.admission.tick(now)
        for session in tuple(self.sessions):
            if gap > STANDSTILL_SECONDS:
                session.excuse(gap, now)
            else:
                session.tick(now)
        if self._drain is not None:
            for session in self._drain.due(now):
                session.close(CloseCode.RESTART)

    def drain(self, seconds: float, spread: float | None = None) -> None:
        """Tell every device that the relay stops, and close them all within `seconds`.

        The closes are spread over the first `spread` of them, by default over all; those of one
        channel come together.
        """
        if self.draining:
            return
        groups = [list(channel.sessions.values()) for channel in self.channels.values()]
        self._drain = Drain(groups, self.clock.seconds(), seconds if spread is None else spread)
        notice = Draining("restart", ceil(seconds), DRAIN_RECONNECT).encode()
        for session in tuple(self.sessions):
            if session.stage is Stage.JOINED:
                session.outbox.send_control(notice)
            else:
                session.close(CloseCode.RESTART)

    def close_all(self) -> None:
        """Close every session now, whatever its turn in a drain."""
        for session in tuple(self.sessions):
            session.close(CloseCode.RESTART)

    def _may_stay(self, session: Session) -> bool:
        channel = session.channel.key if session.channel else session.named_channel
        return self.access.still_allows(session.address, session.token, channel, session.origin)
