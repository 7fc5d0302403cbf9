"""Faults of clients on the way to a relay: DNS, TLS, and servers that speak something else."""

from dataclasses import replace
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import DNSLookupError
from twisted.internet.ssl import CertificateOptions, TLSVersion

from tests.clients.faults import Fault, Patch, around, put
from tests.clients.wrong_decisions import decides
from vaultrelay.client import Refused, TlsFailed, Untrusted, tls
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.refused import NO_RELAY
from vaultrelay.client.tls import RelayTls
from vaultrelay.wire.relay_url import RelayUrl


class _Options:
    """TLS without Twisted's check of the name, with or without the name itself."""

    def __init__(self, host: str, trustRoot: Any, *, is_named: bool = True) -> None:
        self._name = host.encode() if is_named else None
        self._context = CertificateOptions(trustRoot=trustRoot).getContext()

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context)
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        return connection


def _unnamed(host: str, *, trustRoot: Any) -> _Options:
    return _Options(host, trustRoot, is_named=False)


def _newest(right: Any, host: str, *, trustRoot: Any) -> Any:
    more = {"raiseMinimumTo": TLSVersion.TLSv1_3}
    return right(host, trustRoot=trustRoot, extraCertificateOptions=more)


def _any_name(patch: Patch) -> None:
    put(tls, "optionsForClientTLS", _Options)(patch)
    put(RelayTls, "_name_fault", lambda self, certificate: None)(patch)


def _any_certificate(patch: Patch) -> None:
    _any_name(patch)
    put(RelayTls, "_verify", lambda *_: True)(patch)


def _any_time(right: Any, self: RelayTls, *seen: Any) -> Any:
    connection, certificate, code, depth, is_valid = seen
    is_expired = code == SSL.X509VerificationCodes.ERR_CERT_HAS_EXPIRED
    return right(self, connection, certificate, code, depth, is_valid or is_expired)


def _is_not_http(error: Exception) -> bool:
    return isinstance(error, Refused) and (error.status, error.error) == (0, NO_RELAY)


def _is_of_certificate(error: Exception) -> bool:
    return isinstance(error, Untrusted)


def _is_of_handshake(error: Exception) -> bool:
    return isinstance(error, TlsFailed)


def _is_bad_url(error: Exception) -> bool:
    return type(error) is ValueError


def _path(path: str) -> Fault:
    """Dial another path than that of the URL."""
    return around(RelayUrl, "read", lambda right, text: replace(right(text), path=path))


def _other_version(right: Any, self: Any, *arguments: Any) -> None:
    right(self, *arguments)
    self.headers["X-VaultMesh-Protocol"] = "3, 4"


FAULTS: dict[str, Fault] = {
    "a name without an address is final": decides(
        lambda error: isinstance(error, DNSLookupError), is_final=True
    ),
    "what does not speak HTTP is not final": decides(_is_not_http, is_final=False),
    "wss is dialled without TLS": put(RelayTls, "over", lambda self, tcp, clock: tcp),
    "TLS 1.2 is not spoken": around(tls, "optionsForClientTLS", _newest),
    "the host is not named in TLS": put(tls, "optionsForClientTLS", _unnamed),
    "a certificate for any host is taken": _any_name,
    "an expired certificate is taken": around(RelayTls, "_verify", _any_time),
    "no certificate is verified": _any_certificate,
    "a certificate that is not valid is not final": decides(_is_of_certificate, is_final=False),
    "any failure of the TLS handshake is final": decides(_is_of_handshake, is_final=True),
    "the path of the URL is dropped": _path("/"),
    "the path is always the same": _path("/v3"),
    "a version is offered that it does not speak": around(
        DeviceSocketFactory, "__init__", _other_version
    ),
    "a bad URL is dialled again": decides(_is_bad_url, is_final=False),
}
