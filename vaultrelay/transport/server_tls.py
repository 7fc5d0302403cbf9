"""ServerTls: the certificates of a listener, and the parsing of a ClientHello."""

import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vaultrelay.certificates.server_certificate import ServerCertificate


class ServerTls:
    """The certificates of a listener: serves the one for the client's server name, or the first.

    `context` is for new connections; `serve` replaces it, without an effect on open ones. It holds
    the key of the session tickets of TLS 1.2.
    """

    context: ssl.SSLContext
    certificates: tuple[ServerCertificate, ...]

    def __init__(self, certificates: Sequence[ServerCertificate]) -> None:
        self.serve(certificates)

    def serve(self, certificates: Sequence[ServerCertificate]) -> None:
        """Serve these certificates to new connections."""
        first = certificates[0].context
        contexts = {
            name.lower(): certificate.context
            for certificate in reversed(certificates)
            for name in certificate.names
        }

        def choose(end: ssl.SSLObject, server_name: str | None, _: ssl.SSLContext) -> None:
            name = (server_name or "").lower()
            wildcard = "*." + name.partition(".")[2]
            end.context = contexts.get(name) or contexts.get(wildcard) or first

        # A single certificate may have been the first of several before.
        first.sni_callback = choose if len(certificates) > 1 else None
        self.context = first
        self.certificates = tuple(certificates)


@contextmanager
def unprinted_names() -> Iterator[None]:
    """Keep Python from printing a server name that is not ASCII, during a handshake.

    With several certificates, Python refuses such a ClientHello, and passes sys.unraisablehook an
    error that contains the client's bytes.
    """
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
