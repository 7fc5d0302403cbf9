"""Objections: why a hello is refused, how that is counted, and how the session is closed."""

from typing import TYPE_CHECKING, NamedTuple

from vaultrelay.broker.session import Session
from vaultrelay.policy.audience import is_canonical_host
from vaultrelay.policy.budgets import Excess, OverBudget
from vaultrelay.policy.limits import RETRY_FULL_SECONDS, RETRY_RATE_SECONDS
from vaultrelay.wire.broken_rule import Rule
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control import Hello
from vaultrelay.wire.proof import REFUSED_CHANNELS, join_body, verify_join

if TYPE_CHECKING:
    from vaultrelay.broker.broker import Broker

_RETRY = {CloseCode.RELAY_FULL: RETRY_FULL_SECONDS, CloseCode.RATE: RETRY_RATE_SECONDS}
"""Seconds after which a refused device may come again."""


class Objection(NamedTuple):
    """Why a hello is refused; `word` counts it, where that is not the word of the close code."""

    code: CloseCode
    word: str = ""

    @property
    def slug(self) -> str:
        """By which word it is counted."""
        return self.word or self.code.slug

    def close(self, session: Session, hello: Hello) -> None:
        """End the session for it."""
        code = self.code
        rule = _broken_rule(code, hello)
        if rule is not None:
            session.break_rule(rule, code)
        elif code in _RETRY:
            session.close(code, retry=_RETRY[code])
        else:
            session.close(code)


def objection(broker: "Broker", session: Session, hello: Hello) -> Objection | None:
    """Why a hello does not get in, cheap checks first; None when it does."""
    if session.named_channel not in (None, hello.channel):
        return Objection(CloseCode.BAD_MESSAGE)
    if not broker.audiences.accepts(hello.audience):
        return Objection(CloseCode.AUDIENCE)
    if not broker.access.allows_channel(hello.channel):
        return Objection(CloseCode.NOT_ALLOWED)
    try:
        broker.budgets.join(session.budgets, broker.clock.seconds())
    except OverBudget as error:
        return Objection(CloseCode.RATE, error.slug)
    body = join_body(session.nonce, hello.nonce, hello.channel, hello.device, hello.audience)
    if not verify_join(hello.channel, body, hello.proof):
        return Objection(CloseCode.PROOF)
    # From here on the device has shown its key, so it may learn something of the channel.
    return _lack_of_room(broker, session, hello)


def _lack_of_room(broker: "Broker", session: Session, hello: Hello) -> Objection | None:
    channel = broker.channels.get(hello.channel)
    if channel is not None and not channel.numbers_left:
        return Objection(CloseCode.CHANNEL_FULL)
    older = channel.devices.get(hello.device) if channel is not None else None
    full = broker.admission.full_network(session, older)
    if full is not None:
        return Objection(CloseCode.RATE, full.slug(Excess.FULL))
    if older is not None:
        return None
    if broker.admission.is_full_for(session):
        return Objection(CloseCode.RELAY_FULL)
    if channel is not None and len(channel.sessions) >= broker.limits.channel_devices:
        return Objection(CloseCode.CHANNEL_FULL)
    return None


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
