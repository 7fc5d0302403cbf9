"""TlsHandshake: the stage of a preamble that does the TLS handshake."""

import ssl
from typing import Protocol

from vaultrelay.transport.preamble import OpeningStream, StageFailed, preamble_listener
from vaultrelay.transport.server_tls import ServerTls, unprinted_names
from vaultrelay.transport.shared_bio import INCOMING, OUTGOING, empty
from vaultrelay.wire.head import begins_proxy_header
from vaultrelay.wire.refusal import proxy_unexpected

_SLUGS = {
    "HTTP_REQUEST": "tls_no_tls",
    "WRONG_VERSION_NUMBER": "tls_no_tls",
    "UNSUPPORTED_PROTOCOL": "tls_version",
    "NO_SHARED_CIPHER": "tls_suites",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "tls_suites",
}
"""Slugs of failed handshakes by OpenSSL's reason; all others are "tls_other"."""
_DISTRUST = ("CERTIFICATE", "UNKNOWN_CA")
"""Words in OpenSSL's reason for the alert of a client that rejects our certificate."""


class TlsOpening(OpeningStream, Protocol):
    """The stream of a handshake."""

    def established(self, tls: ssl.SSLObject) -> None:
        """Encrypt all bytes from now on: the handshake is done."""


class TlsHandshake:
    """The server's side of one handshake, with the certificates at its begin."""

    __slots__ = ("_server", "_tls")

    def __init__(self, server: ServerTls) -> None:
        self._server = server
        self._tls: ssl.SSLObject | None = None

    def feed(self, stream: TlsOpening, data: bytes) -> bytes | None:
        """See Stage."""
        tls = self._tls or self._begin(stream, data)
        INCOMING.write(data)
        try:
            with unprinted_names():
                tls.do_handshake()
        except ssl.SSLWantReadError:
            if OUTGOING.pending:
                stream.send_raw(OUTGOING.read())
            return None
        except ssl.SSLError as error:
            alert = OUTGOING.read()
            empty()
            preamble_listener(stream.protocol).preamble_failed(_failure_slug(error))
            raise StageFailed(alert) from None
        # The rest are records for the protocol. They wait until the stream is established.
        rest = INCOMING.read()
        sealed = OUTGOING.read()
        if sealed:
            stream.send_raw(sealed)
        stream.established(tls)
        return rest

    def lost(self, stream: TlsOpening, is_orderly: bool) -> None:
        """See Stage. A client that left before its first byte was a TCP health check."""
        if self._tls is not None:
            preamble_listener(stream.protocol).preamble_failed("tls_left")

    def _begin(self, stream: TlsOpening, data: bytes) -> ssl.SSLObject:
        if begins_proxy_header(data):
            # Not encrypted, since the proxy has not begun TLS. Some proxies log the answer.
            refusal = proxy_unexpected()
            preamble_listener(stream.protocol).preamble_failed(refusal.counted)
            raise StageFailed(refusal.response())
        self._tls = self._server.context.wrap_bio(INCOMING, OUTGOING, server_side=True)
        preamble_listener(stream.protocol).handshake_began()
        return self._tls


def _failure_slug(error: ssl.SSLError) -> str:
    """Return the slug of a failed handshake; to the operator "tls_distrust" matters most."""
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in _DISTRUST):
        return "tls_distrust"
    if isinstance(error, ssl.SSLZeroReturnError):
        return "tls_left"
    return _SLUGS.get(reason, "tls_other")
