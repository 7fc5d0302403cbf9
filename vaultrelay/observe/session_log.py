"""SessionLog: log lines of each session, with the address as --log-addresses sets."""

from vaultrelay.broker.session import Session
from vaultrelay.logs import RelayLog
from vaultrelay.policy.addresses import PeerAddress


class SessionLog:
    """Logs begin and end of sessions, and refused upgrades."""

    def __init__(self, log: RelayLog) -> None:
        self._log = log

    def ended(self, session: Session) -> None:
        """Log one line for a session after its welcome; at "debug", the reason of any close."""
        if (channel := session.channel) is not None:
            fields = self._log.names.of(session.address, channel.key)
            self._log.info(
                "Session ended: {why}; {seconds} s, {messages} messages, {bytes} bytes"
                + _placeholders(fields),
                why=session.close_code.slug if session.close_code else session.left_reason,
                seconds=session.lasted_seconds,
                messages=session.messages_in,
                bytes=session.bytes_in,
                **fields,
            )
        if (code := session.close_code) is not None:
            self._debug(
                "Closed with {code} {slug}: {cause}",
                session.address,
                code=code.number,
                slug=code.slug,
                cause=session.close_cause or code.sentence.removesuffix("."),
            )

    def joined(self, session: Session) -> None:
        """Log one line at "debug" for a session at its welcome."""
        self._debug(
            "Session started", session.address, session.channel.key if session.channel else None
        )

    def refused(self, why: str, address: PeerAddress | None) -> None:
        """Log one line at "debug" for a refusal; the sums are logged once a minute anyway."""
        self._debug("Refused: {why}", address, why=why)

    def _debug(
        self,
        text: str,
        address: PeerAddress | None,
        channel: bytes | None = None,
        **values: object,
    ) -> None:
        if self._log.is_enabled("debug"):
            fields = self._log.names.of(address, channel)
            self._log.debug(text + _placeholders(fields), **values, **fields)


def _placeholders(fields: dict[str, str]) -> str:
    """Return the placeholders of these fields for the format of a line."""
    return ";" * bool(fields) + "".join(f" {name}={{{name}}}" for name in fields)
