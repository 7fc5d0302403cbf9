"""The answers to a hello: the refusal of an invalid one, and the welcome."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vaultrelay.broker.session import Session
from vaultrelay.policy.access import Access
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.budgets import BudgetBook, OverBudget
from vaultrelay.policy.limits.floods import RETRY_RATE_SECONDS
from vaultrelay.policy.limits.pending import RETRY_FULL_SECONDS
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.joining import Hello, Peer, Welcome
from vaultrelay.wire.host import is_canonical_host
from vaultrelay.wire.proof import REFUSED_CHANNELS, join_body, verify_join

_RETRY: dict[CloseCode, dict[str, Any]] = {
    CloseCode.RELAY_FULL: {"retry": RETRY_FULL_SECONDS},
    CloseCode.RATE: {"retry": RETRY_RATE_SECONDS},
}
"""Details of the close reason: the seconds after which a refused device may come again."""


class JoinRefusal(NamedTuple):
    """The reason for refusing a hello. `counted` is the slug for the counters, if not that of the
    code."""

    code: CloseCode
    rule: Rule | None = None
    counted: str = ""

    def close(self, session: Session) -> None:
        """Close the session with this code."""
        if self.rule is not None:
            session.break_rule(self.rule, self.code)
        else:
            session.close(self.code, **_RETRY.get(self.code, {}))


def check_hello(
    session: Session,
    hello: Hello,
    now: float,
    *,
    audiences: Audiences,
    access: Access,
    book: BudgetBook,
) -> JoinRefusal | None:
    """Return why a hello is refused, or None. Charges a join to the budgets; cheap checks first."""
    if session.named_channel not in (None, hello.channel):
        return JoinRefusal(CloseCode.BAD_MESSAGE, Rule.OTHER_CHANNEL)
    if not audiences.accepts(hello.audience):
        return JoinRefusal(
            CloseCode.AUDIENCE,
            Rule.OTHER_AUDIENCE if is_canonical_host(hello.audience) else Rule.AUDIENCE_SPELLING,
        )
    if not access.allows_channel(hello.channel):
        return JoinRefusal(CloseCode.NOT_ALLOWED)
    try:
        book.join(session.budgets, now)
    except OverBudget as error:
        return JoinRefusal(CloseCode.RATE, counted=error.slug)
    body = join_body(session.nonce, hello.nonce, hello.channel, hello.device, hello.audience)
    if not verify_join(hello.channel, body, hello.proof):
        return JoinRefusal(
            CloseCode.PROOF,
            Rule.CHANNEL_KEY if hello.channel in REFUSED_CHANNELS else Rule.SIGNATURE,
        )
    return None


def welcome(session: Session, peers: Sequence[Peer], node_name: str) -> None:
    """Send a session that has joined its number, its peers and its limits."""
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
            node=node_name or None,
        ).encode()
    )
