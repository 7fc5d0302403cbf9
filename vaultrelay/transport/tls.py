"""TLS: versions 1.2 and 1.3, forward-secret AEAD suites, ALPN that refuses nobody."""

import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaultrelay.transport.certificate import CertificatePair

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
"""Of TLS 1.2: Mozilla's "intermediate" without its finite-field suites, which no current client
needs. Those of TLS 1.3 are all good. The level refuses keys below RSA of 2048 bits, as clients do.
"""
_ALPN = ["http/1.1"]
"""Where a client offers nothing of this, OpenSSL answers nothing and goes on."""


def new_context() -> ssl.SSLContext:
    """The server's side of TLS as the relay speaks it, still without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= (
        ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_ALPN)
    # Of TLS 1.3. Making them costs more than what a resumption saves, see docs/decisions/0017.
    context.num_tickets = 0
    return context


class ServerTls:
    """The certificates that a port serves: the one that a client asks for by name, or the first.

    `context` is for the next connection; `serve` changes it, and leaves those that are open alone.
    It holds the key of the tickets by which clients of TLS 1.2 resume sessions.
    """

    context: ssl.SSLContext
    pairs: tuple["CertificatePair", ...]

    def __init__(self, pairs: Sequence["CertificatePair"]) -> None:
        self.serve(pairs)

    def serve(self, pairs: Sequence["CertificatePair"]) -> None:
        """Serve these from now on."""
        first = pairs[0].context
        contexts = {name.lower(): pair.context for pair in reversed(pairs) for name in pair.names}

        def choose(end: ssl.SSLObject, asked: str | None, _: ssl.SSLContext) -> None:
            name = (asked or "").lower()
            wildcard = "*." + name.partition(".")[2]
            end.context = contexts.get(name) or contexts.get(wildcard) or first

        # A pair that is served alone may have been the first of several before.
        first.sni_callback = choose if len(pairs) > 1 else None
        self.context = first
        self.pairs = tuple(pairs)


@contextmanager
def unprinted_names() -> Iterator[None]:
    """Keep Python from printing a server name that is no ASCII, while a hello is read.

    Where several pairs are served, Python refuses such a hello, and tells sys.unraisablehook why,
    with the client's bytes in it.
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
