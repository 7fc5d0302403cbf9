"""The TLS context of a certificate: versions 1.2 and 1.3, forward-secret AEAD suites, ALPN."""

import ssl

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
"""Suites of TLS 1.2: Mozilla's "intermediate" without its finite-field suites, which no current
client needs. Those of TLS 1.3 are all good. The level refuses RSA keys below 2048 bits, as clients
do.
"""
_ALPN = ["http/1.1"]
"""ALPN protocols. If the client offers none of them, OpenSSL continues without ALPN."""


def new_context() -> ssl.SSLContext:
    """Return the context of the server's side of TLS, still without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= (
        ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_ALPN)
    # Tickets of TLS 1.3 cost more than a resumption saves, see docs/decisions/0017.
    context.num_tickets = 0
    return context
