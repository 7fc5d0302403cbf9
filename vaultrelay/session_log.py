"""The session log: what is told of each session, and whose it was as far as the operator wants."""

from vaultrelay.broker.session import Session
from vaultrelay.logs import hears, log, names
from vaultrelay.policy.addresses import PeerAddress


def log_session_end(session: Session) -> None:
    """One line for every session that ended: why, and how much passed."""
    who = names.of(session.address, session.channel.key if session.channel else None)
    log.info(
        "Session ended: {why}; {seconds} s, {messages} messages, {bytes} bytes" + _words(who),
        why=session.close_code.slug if session.close_code else session.left_reason,
        seconds=session.lasted_seconds,
        messages=session.messages_in,
        bytes=session.bytes_in,
        **who,
    )


def log_hello(session: Session, refused: str) -> None:
    """One line at "debug" for every hello that was answered; `refused` is why, if it was."""
    if refused:
        log_refusal(refused, session.address)
    elif hears("debug"):
        who = names.of(session.address, session.channel.key if session.channel else None)
        log.debug("Session began" + _words(who), **who)


def log_refusal(why: str, address: PeerAddress | None) -> None:
    """One line at "debug" for one that was refused; all are counted once a minute anyway."""
    if hears("debug"):
        who = names.of(address)
        log.debug("Refused: {why}" + _words(who), why=why, **who)


def _words(who: dict[str, str]) -> str:
    """What the fields add to the words of a line."""
    return ";" * bool(who) + "".join(f" {name}={{{name}}}" for name in who)
