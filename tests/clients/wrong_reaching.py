"""Faults of clients on the way to a relay: DNS, TLS, and servers that speak something else."""

import ssl
from dataclasses import replace
from typing import Any

from twisted.internet.error import DNSLookupError

from examples import python_adapter
from tests.clients.faults import Fault, around, put
from tests.clients.wrong_decisions import decides
from vaultrelay.client import Refused
from vaultrelay.client.factory import DeviceSocketFactory
from vaultrelay.client.refused import NO_RELAY
from vaultrelay.client.tls import TlsEndpoint
from vaultrelay.wire.relay_url import RelayUrl

_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""


def _context(**attributes: object) -> Fault:
    """Dial with other attributes of the TLS context."""

    def make(right: Any, endpoint: Any, name: str, context: ssl.SSLContext) -> TlsEndpoint:
        for attribute, value in attributes.items():
            setattr(context, attribute, value)
        return TlsEndpoint(endpoint, name, context)

    return around(python_adapter, "TlsEndpoint", make)


def _without_name(endpoint: Any, name: str, context: ssl.SSLContext) -> TlsEndpoint:
    context.check_hostname = False
    return TlsEndpoint(endpoint, None, context)  # type: ignore[arg-type]


def _is_not_http(error: Exception) -> bool:
    return isinstance(error, Refused) and (error.status, error.error) == (0, NO_RELAY)


def _is_of_certificate(error: Exception) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError)


def _is_of_handshake(error: Exception) -> bool:
    return isinstance(error, ssl.SSLError)


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
    "wss is dialled without TLS": put(
        python_adapter, "TlsEndpoint", lambda endpoint, name, context: endpoint
    ),
    "TLS 1.2 is not spoken": _context(minimum_version=ssl.TLSVersion.TLSv1_3),
    "the host is not named in TLS": put(python_adapter, "TlsEndpoint", _without_name),
    "a certificate for any host is taken": _context(check_hostname=False),
    "an expired certificate is taken": _context(verify_flags=ssl.VerifyFlags(_NO_CHECK_TIME)),
    "no certificate is verified": _context(check_hostname=False, verify_mode=ssl.CERT_NONE),
    "a certificate that is not valid is not final": decides(_is_of_certificate, is_final=False),
    "any failure of the TLS handshake is final": decides(_is_of_handshake, is_final=True),
    "the path of the URL is dropped": _path("/"),
    "the path has more than the URL": _path("/channel"),
    "a version is offered that it does not speak": around(
        DeviceSocketFactory, "__init__", _other_version
    ),
    "a bad URL is dialled again": decides(_is_bad_url, is_final=False),
}
