"""The TLS context of a certificate: versions 1.2 and 1.3, forward-secret AEAD suites, ALPN."""

import ssl

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
