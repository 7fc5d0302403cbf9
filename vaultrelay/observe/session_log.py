"""The session log: lines about each session, which name its client as far as the operator wants."""

from vaultrelay.broker.session import Session
from vaultrelay.logs import hears, log, names
from vaultrelay.policy.addresses import PeerAddress


def log_session_end(session: Session) -> None:
    """Log one line for a session that was welcomed, and at "debug" why the relay closed any."""
    channel = session.channel
    if channel is not None:
        who = names.of(session.address, channel.key)
        log.info(
            "Session ended: {why}; {seconds} s, {messages} messages, {bytes} bytes" + _words(who),
            why=session.close_code.slug if session.close_code else session.left_reason,
            seconds=session.lasted_seconds,
            messages=session.messages_in,
            bytes=session.bytes_in,
            **who,
        )
    code = session.close_code
    if code is not None and hears("debug"):
        who = names.of(session.address)
        log.debug(
            "Closed with {code} {slug}: {cause}" + _words(who),
            code=code.number,
            slug=code.slug,
            cause=session.close_cause or code.sentence.removesuffix("."),
            **who,
        )


def log_join(session: Session) -> None:
    """Log one line at "debug" for a session that was welcomed."""
    if hears("debug"):
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
