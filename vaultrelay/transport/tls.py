"""TLS: versions 1.2 and 1.3, forward-secret AEAD suites, ALPN that refuses nobody."""

from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from vaultrelay.transport.certificate import BadCertificate, CertificatePair

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: Mozilla's "intermediate" without its finite-field suites, which no current client
needs. Those of TLS 1.3 are all good."""
ALPN = b"http/1.1"
_SESSION_CONTEXT = b"vaultmesh-relay"
"""Sessions are resumed within this; OpenSSL asks for a name, any will do."""


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The server's side of TLS: the certificate that a client asks for by name, or the first.

    BadCertificate for one that OpenSSL does not take.
    """

    def __init__(self, pairs: Sequence[CertificatePair]) -> None:
        choose = self._choose if len(pairs) > 1 else None
        self._contexts = [(pair.names, make_context(pair, choose)) for pair in pairs]

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:
        return SSL.Connection(self._contexts[0][1])

    def _choose(self, connection: SSL.Connection) -> None:
        name = (connection.get_servername() or b"").decode("ascii", "replace").lower()
        wildcard = "*." + name.partition(".")[2]
        for wanted in (name, wildcard):
            for names, context in self._contexts:
                if wanted in names:
                    connection.set_context(context)
                    return


def make_context(
    pair: CertificatePair, choose: Callable[[SSL.Connection], None] | None = None
) -> SSL.Context:
    """An OpenSSL context that serves one certificate; `choose` may change it by the name asked for.

    The cipher list comes last: pyOpenSSL takes it for the first use of a context, after which
    nothing may be changed.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(
        SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_id(_SESSION_CONTEXT)
    context.set_alpn_select_callback(_answer_alpn)
    if choose is not None:
        context.set_tlsext_servername_callback(choose)
    own, *issuers = pair.chain
    try:
        context.use_certificate(own)
        context.use_privatekey(pair.key)
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
        context.check_privatekey()
    except SSL.Error as error:
        why = "; ".join(reason for *_, reason in error.args[0])
        raise BadCertificate(f"cannot be used for TLS: {why}") from None
    context.set_cipher_list(CIPHERS)
    return context


def _answer_alpn(connection: SSL.Connection, offered: list[bytes]) -> Any:
    """http/1.1 where it is offered. Where it is not, no answer, instead of a failed handshake."""
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
