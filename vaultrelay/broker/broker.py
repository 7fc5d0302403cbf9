"""Broker: admits connections, lets sessions join, finds and drops channels, drains."""

from collections.abc import Callable
from math import ceil

from vaultrelay import __version__
from vaultrelay.broker.channel import Channel
from vaultrelay.broker.counters import Counters
from vaultrelay.broker.drain import Drain
from vaultrelay.broker.outbox import Clock, Outbox
from vaultrelay.broker.session import Session, Stage
from vaultrelay.broker.silences import Silences
from vaultrelay.policy.access import ANYBODY, Access, Admission
from vaultrelay.policy.addresses import Addresses, Budget
from vaultrelay.policy.audience import Audiences, is_canonical_host
from vaultrelay.policy.limits import (
    DEFAULT_MAX_CONNECTIONS,
    DRAIN_RECONNECT,
    RETRY_DRAINING_SECONDS,
    RETRY_FULL_SECONDS,
    RETRY_RATE_SECONDS,
    RETRY_SPARE_SECONDS,
    SPARE_SESSIONS,
    STANDSTILL_SECONDS,
    WAITING_SURE_SECONDS,
    SessionLimits,
)
from vaultrelay.wire import refusal
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import Draining, Hello, Limits, Welcome
from vaultrelay.wire.proof import REFUSED_CHANNELS, join_body, verify_join

_COUNTED_AS = {CloseCode.RATE: "address_joins"}
"""The refused hellos that are counted by another word than their close code's."""
_RETRY = {CloseCode.RELAY_FULL: RETRY_FULL_SECONDS, CloseCode.RATE: RETRY_RATE_SECONDS}
"""What a refused hello is told to wait."""


class Broker:
    """All channels and sessions of one relay.

    `on_join` is called with every session that was welcomed, `on_end` with every one that ended,
    welcomed or not.
    """

    def __init__(
        self,
        clock: Clock,
        limits: SessionLimits | None = None,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        audiences: Audiences | None = None,
        on_end: Callable[[Session], None] = lambda session: None,
        addresses: Addresses | None = None,
        access: Access | None = None,
        on_join: Callable[[Session], None] = lambda session: None,
        node_name: str = "",
    ) -> None:
        self.clock = clock
        self.limits = limits or SessionLimits()
        self.max_connections = max_connections
        self.audiences = audiences or Audiences(())
        self.addresses = addresses or Addresses()
        self.access = access or Access()
        self.node_name = node_name
        self.counters = Counters()
        self.silences = Silences()
        self.channels: dict[bytes, Channel] = {}
        self.sessions: set[Session] = set()
        self._unjoined: dict[Session, None] = {}
        self.joined = 0
        self._spares = 0
        self._on_end = on_end
        self._on_join = on_join
        self._started_at = self._ticked_at = clock.seconds()
        self._drain: Drain | None = None

    @property
    def draining(self) -> bool:
        """Whether the relay is about to stop."""
        return self._drain is not None

    @property
    def uptime_seconds(self) -> int:
        """Whole seconds since the start."""
        return int(self.clock.seconds() - self._started_at)

    def admit(self, channel: bytes | None, budget: Budget | None = None) -> None:
        """Let an upgrade pass, which may name its channel; Refusal when there is no room.

        A full relay still admits a few whose channel it holds: they may replace a dead connection.
        An address that has all its places is held to the same, with the channels of its own.

        A proxy in front tries who gets 503 at the next relay. So none is for a channel held here,
        which would be parted, but that of a drain: with it the channel's turn to leave has come.
        """
        if self.draining:
            held = self.channels.get(channel) if channel is not None else None
            for session in tuple(held.sessions.values()) if held else ():
                session.close(CloseCode.RESTART)
            self.counters.refused["draining"] += 1
            raise refusal.draining(RETRY_DRAINING_SECONDS)
        if self._full:
            is_held = self._holds(channel)
            has_spare = is_held and self._spares < SPARE_SESSIONS
            if not has_spare and not self._let_a_silent_one_go():
                self.counters.refused["relay_full"] += 1
                if is_held:
                    raise refusal.relay_full_of_peers(RETRY_SPARE_SECONDS)
                raise refusal.relay_full(RETRY_FULL_SECONDS)
        if budget is not None and not (
            self.addresses.has_place(budget) or self._may_replace(channel, budget)
        ):
            self.counters.refused["address_full"] += 1
            raise refusal.rate_limited(RETRY_FULL_SECONDS)

    def open(
        self, outbox: Outbox, channel: bytes | None, admission: Admission = ANYBODY
    ) -> Session:
        """A session for an admitted connection, challenged already."""
        session = Session(self, outbox, channel, __version__)
        session.spare = self._full
        self._spares += session.spare
        session.address, session.token = admission.address, admission.token
        session.origin = admission.origin
        budget = admission.budget
        if budget is not None:
            session.budget = budget
            session.beyond_budget = not self.addresses.has_place(budget)
            budget.spares += session.beyond_budget
            self.addresses.enter(budget)
        self.sessions.add(session)
        self._unjoined[session] = None
        return session

    def join(self, session: Session, hello: Hello) -> None:
        """Answer a hello: welcome the session into its channel, or close it."""
        code = self._objection(session, hello)
        if code is not None:
            slug = _COUNTED_AS.get(code, code.slug)
            self.counters.refused[slug] += 1
            _refuse(session, hello, code)
            return
        channel = self.channels.get(hello.channel) or Channel(hello.channel, self.counters)
        older = channel.devices.get(hello.device)
        if older is not None:
            older.close(CloseCode.REPLACED)
        self.channels[hello.channel] = channel
        self._settle(session)
        peers = channel.add(session, hello.device)
        session.enter(channel, hello.device)
        self.joined += 1
        self.counters.joins += 1
        limits = session.limits
        session.outbox.tell(
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
        self._settle(session)
        if session.budget is not None:
            self.addresses.depart(session.budget)
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
        self.addresses.forget(now)
        for session in tuple(self.sessions):
            if gap > STANDSTILL_SECONDS:
                session.excuse(gap, now)
            else:
                session.tick(now)
        if self._drain is not None:
            for session in self._drain.due(now):
                session.close(CloseCode.RESTART)

    def allow(self, access: Access) -> int:
        """Go by other rules for who may be here; how many may not any more, and were closed."""
        self.access = access
        gone = [session for session in self.sessions if not self._may_stay(session)]
        for session in gone:
            session.close(CloseCode.KICKED)
        return len(gone)

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
                session.outbox.tell(notice)
            else:
                session.close(CloseCode.RESTART)

    def close_all(self) -> None:
        """Close every session now, whatever its turn in a drain."""
        for session in tuple(self.sessions):
            session.close(CloseCode.RESTART)

    @property
    def _full(self) -> bool:
        return len(self.sessions) >= self.max_connections

    def _holds(self, channel: bytes | None) -> bool:
        """Whether a channel has devices here, or is about to have the first."""
        return channel is not None and (
            channel in self.channels
            or any(session.named_channel == channel for session in self._unjoined)
        )

    def _may_stay(self, session: Session) -> bool:
        channel = session.channel.key if session.channel else session.named_channel
        return self.access.still_allows(session.address, session.token, channel, session.origin)

    def _let_a_silent_one_go(self) -> bool:
        """Make room in a full relay: the oldest that has not joined goes, if it had its time.

        Else connections that never say hello would keep devices out.
        """
        oldest = next(iter(self._unjoined), None)
        if oldest is None or oldest.lasted_seconds < WAITING_SURE_SECONDS:
            return False
        oldest.close_without_hello()
        return True

    def _settle(self, session: Session) -> None:
        """Count a session as new or spare no longer: it joined or ended."""
        self._unjoined.pop(session, None)
        self._spares -= session.spare
        session.spare = False
        if session.budget is not None:
            session.budget.spares -= session.beyond_budget
        session.beyond_budget = False

    def _may_replace(self, channel: bytes | None, budget: Budget) -> bool:
        """Whether an address may be about to replace one of the devices that it has here."""
        held = self.channels.get(channel) if channel is not None else None
        return (
            held is not None
            and self.addresses.has_spare(budget)
            and any(session.budget is budget for session in held.sessions.values())
        )

    def _lacks_place(self, session: Session, older: Session | None) -> bool:
        """Whether a session would take a place that its address has not, in another's stead or in
        none's."""
        budget = session.budget
        return (
            budget is not None
            and session.beyond_budget
            and self.addresses.is_over(budget)
            and (older is None or older.budget is not budget)
        )

    def _objection(self, session: Session, hello: Hello) -> CloseCode | None:
        """Why this hello does not get in, cheap checks first; None when it does."""
        if session.named_channel not in (None, hello.channel):
            return CloseCode.BAD_MESSAGE
        if not self.audiences.accepts(hello.audience):
            return CloseCode.AUDIENCE
        if not self.access.allows_channel(hello.channel):
            return CloseCode.NOT_ALLOWED
        budget = session.budget
        if budget is not None and not self.addresses.may_join(budget, self.clock.seconds()):
            return CloseCode.RATE
        body = join_body(session.nonce, hello.nonce, hello.channel, hello.device, hello.audience)
        if not verify_join(hello.channel, body, hello.proof):
            return CloseCode.PROOF
        # From here on the device has shown its key, so it may learn something of the channel.
        channel = self.channels.get(hello.channel)
        if channel is not None and not channel.numbers_left:
            return CloseCode.CHANNEL_FULL
        older = channel.devices.get(hello.device) if channel is not None else None
        if self._lacks_place(session, older):
            return CloseCode.RATE
        if older is not None:
            return None
        if session.spare and len(self.sessions) > self.max_connections:
            return CloseCode.RELAY_FULL
        if channel is not None and len(channel.sessions) >= self.limits.channel_devices:
            return CloseCode.CHANNEL_FULL
        return None


def _refuse(session: Session, hello: Hello, code: CloseCode) -> None:
    rule = _broken_rule(code, hello)
    if rule is not None:
        session.break_rule(rule, code)
    elif code in _RETRY:
        session.close(code, retry=_RETRY[code])
    else:
        session.close(code)


def _broken_rule(code: CloseCode, hello: Hello) -> Rule | None:
    """The rule of the protocol that a refused hello broke, if it broke one."""
    match code:
        case CloseCode.BAD_MESSAGE:
            return Rule.OTHER_CHANNEL
        case CloseCode.AUDIENCE:
            canonical = is_canonical_host(hello.audience)
            return Rule.OTHER_AUDIENCE if canonical else Rule.AUDIENCE_SPELLING
        case CloseCode.PROOF:
            forgeable = hello.channel in REFUSED_CHANNELS
            return Rule.CHANNEL_KEY if forgeable else Rule.SIGNATURE
    return None
