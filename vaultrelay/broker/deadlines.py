"""The deadlines of a session: hello, full queue, partial message, session TTL, pong."""

from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import CHALLENGED, JOINED
from vaultrelay.policy.limits.timeouts import HELLO_SECONDS
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode


def check_deadlines(session: Session, now: float) -> None:
    """Close a session if a deadline is over, or ping it. To be called every tick."""
    flow, liveness = session.flow, session.liveness
    liveness.update(session.outbox, now)
    session.rates.refill(now)
    if session.stage is CHALLENGED:
        if now - session.opened_at >= HELLO_SECONDS:
            close_without_hello(session)
    elif rule := flow.broken_rule(session.messages_in, now):
        session.break_rule(rule, CloseCode.SLOW)
    elif session.stage is JOINED:
        if not flow.gate.is_open:
            liveness.restart(now)
        if code := liveness.close_code(now, session.limits.session_ttl):
            session.close(code)
        elif not flow.is_queue_high and liveness.begin_ping(now):
            session.outbox.ping()


def close_without_hello(session: Session) -> None:
    """Close a session because its device did not join in time."""
    rule = Rule.NO_HELLO if session.outbox.partial_bytes is None else Rule.PARTIAL_HELLO
    session.break_rule(rule, CloseCode.HELLO_TIMEOUT)


def extend_deadlines(session: Session, gap: float, now: float) -> None:
    """Exclude the `gap` seconds in which the relay itself stood still."""
    session.opened_at += gap
    session.flow.extend_deadlines(gap)
    session.liveness.restart(now)
