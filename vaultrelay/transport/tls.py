"""TLS: versions 1.2 and 1.3, forward-secret AEAD suites, ALPN that refuses nobody.

Endpoint strings such as ``ssl:`` and ``tls:`` make their contexts inside Twisted, from Twisted's
defaults, and some make new ones while the relay runs. So the policy is set there, once for the
process (docs/decisions/0004-tls-defaults.md).
"""

from collections.abc import Sequence

from OpenSSL import SSL
from OpenSSL.crypto import X509, PKey
from twisted.internet import _sslverify
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions

from vaultrelay.transport.certificate import CertificatePair

CIPHERS = (
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
    "ECDHE+AESGCM:ECDHE+CHACHA20"
)
"""Mozilla's "intermediate" without its finite-field suites, which no current client needs."""
ALPN = b"http/1.1"


def set_tls_policy() -> None:
    """Make every TLS server of this process, of whatever endpoint string, keep the policy."""
    _sslverify.defaultCiphers = AcceptableCiphers.fromOpenSSLCipherString(CIPHERS)
    _sslverify.setupForALPN = _answer_alpn


def server_options(pair: CertificatePair) -> CertificateOptions:
    """The TLS server side of a certificate pair."""
    set_tls_policy()
    return CertificateOptions(
        privateKey=PKey.from_cryptography_key(pair.key),  # type: ignore[arg-type]
        certificate=X509.from_cryptography(pair.chain[0]),
        extraCertChain=[X509.from_cryptography(issuer) for issuer in pair.chain[1:]],
    )


def _answer_alpn(context: SSL.Context, acceptableProtocols: Sequence[bytes]) -> None:
    """Answer ALPN with http/1.1 where it is offered, and go on without an answer where it is not.

    Twisted's own answer to a client without a common protocol ends the handshake.
    """
    context.set_alpn_select_callback(
        lambda connection, offered: ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
    )
