"""TLS of the client: Twisted's, with pyOpenSSL and service-identity.

Imported for wss:// URLs alone. No other module of the package imports these libraries: the relay
does not load them, and the archive, the image and the Debian package do not contain them.
"""

import ssl
import sys
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import (
    Certificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from zope.interface import implementer

from vaultrelay.certificates.x509 import names_text, read_certificate
from vaultrelay.client.tls_failed import Untrusted, handshake_failed

_Codes = SSL.X509VerificationCodes
_OWN_ROOTS = (
    "Have the server send its whole chain (fullchain.pem). If the authority is your own, install "
    "its certificate on this machine, or pass it as trust_roots."
)
_NO_AUTHORITY = ("is not from an authority that this machine trusts", _OWN_ROOTS)
_SELF_SIGNED = (
    "is self-signed, and this machine does not trust it",
    "Get one from a public authority, such as Let's Encrypt, or pass this one as trust_roots.",
)
_FAULTS = {
    _Codes.ERR_CERT_NOT_YET_VALID: ("is not valid yet", "Is this machine's clock correct?"),
    _Codes.ERR_CERT_HAS_EXPIRED: (
        "has expired",
        "Renew it there, if this machine's clock is correct.",
    ),
    _Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: _SELF_SIGNED,
    _Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: _NO_AUTHORITY,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: _NO_AUTHORITY,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: _NO_AUTHORITY,
    _Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: _NO_AUTHORITY,
}
"""What is wrong with a certificate, and the remedy."""
_OTHER_FAULT = "Test the relay with vault-relay check, which reports what is wrong with it."
_NO_NAME = "Devices ignore a common name (CN): have it reissued with this host as subjectAltName."
_OTHER_NAME = "Dial a name that is in the certificate, or have it reissued to include this one."
_WITHOUT_OWN_ROOTS = frozenset({"darwin", "win32"})
"""Systems on which the OpenSSL of `cryptography` finds no authorities, and Python's does."""


@implementer(IOpenSSLClientConnectionCreator)
class RelayTls:
    """TLS for one attempt to connect to a host: Twisted's options, and why a certificate failed.

    `trust_roots` are certificates in PEM that replace the platform's. Raises ValueError if they
    are not.
    """

    def __init__(self, host: str, trust_roots: bytes | None = None) -> None:
        self._host = host
        self._options = optionsForClientTLS(host, trustRoot=_trust(trust_roots))
        self._fault: Untrusted | None = None

    def over(self, tcp: IStreamClientEndpoint, clock: IReactorTime) -> IStreamClientEndpoint:
        """Return an endpoint with TLS over another one."""
        return wrapClientTLS(self, tcp, clock)

    def explain(self, error: Exception) -> Exception:
        """Return the error for the user in place of the one with which a connection ended."""
        if self._fault is not None:
            return self._fault
        if not isinstance(error, SSL.Error):
            return error
        return handshake_failed(self._host, _reason(error))

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        connection: SSL.Connection = self._options.clientConnectionForTLS(tlsProtocol)
        # Twisted's callback only logs that service-identity cannot read the names of a certificate,
        # such as one without any, and accepts it for every host.
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        connection.set_verify(mode, self._verify)
        return connection

    def _verify(
        self, connection: SSL.Connection, certificate: X509, code: int, depth: int, is_valid: int
    ) -> bool:
        if not is_valid:
            cause, cure = _FAULTS.get(code, (f"is not valid (X509 error {code})", _OTHER_FAULT))
            part = ", or one in its chain," if depth else ""
            self._fault = Untrusted(f"The certificate of {self._host}{part} {cause}. {cure}")
        elif depth == 0:
            self._fault = self._name_fault(certificate)
        return self._fault is None

    def _name_fault(self, certificate: X509) -> Untrusted | None:
        is_address = isIPAddress(self._host) or isIPv6Address(self._host)
        verify = verify_certificate_ip_address if is_address else verify_certificate_hostname
        try:
            verify(certificate.to_cryptography(), self._host)
        except Exception:
            # Fail closed: if the names cannot be read, the certificate is valid for no host.
            names = _names(dump_certificate(FILETYPE_ASN1, certificate))
            return Untrusted(f"The certificate of {self._host} {names}")
        return None


def _names(der: bytes) -> str:
    """Return which names a certificate has, and the remedy."""
    try:
        names = read_certificate(der).names
    except ValueError:
        names = ()
    if not names:
        return f"contains no host name. {_NO_NAME}"
    return f"is for {names_text(names)}, not for this host. {_OTHER_NAME}"


def _trust(trust_roots: bytes | None) -> Any:
    if trust_roots is not None:
        found = x509.load_pem_x509_certificates(trust_roots)
        ders = [each.public_bytes(Encoding.DER) for each in found]
    elif sys.platform in _WITHOUT_OWN_ROOTS:
        ders = ssl.create_default_context().get_ca_certs(binary_form=True)
    else:
        return platformTrust()
    return trustRootFromCertificates([Certificate.load(der) for der in ders])


def _reason(error: SSL.Error) -> str:
    """Return OpenSSL's last reason."""
    for *_, reason in reversed(error.args[0] if error.args else ()):
        return str(reason)
    return ""
