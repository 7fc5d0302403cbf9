"""Pairs of certificate and key, as a client sees them, and why they are refused."""

import base64
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.authority import NAME, Issued, issue
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.transport.server_tls import ServerTls

NOON = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


def refusal_of(certificate: Path, key: Path) -> tuple[str, bool]:
    """Why a pair is refused, and whether the key file is meant."""
    with pytest.raises(BadCertificate) as caught:
        load_certificate(certificate, key)
    return str(caught.value), caught.value.about_key


def served(pair: ServerCertificate) -> bytes | None:
    """The certificate that a client gets."""
    return shake(ServerTls([pair]), lenient_context()).getpeercert(binary_form=True)


def first_flight(pair: ServerCertificate) -> bytes:
    """What a server answers to a hello of TLS 1.2, where certificates are readable."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = lenient_context(ssl.TLSVersion.TLSv1_2).wrap_bio(to_client, to_server)
    server = pair.context.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server):
        with pytest.raises(ssl.SSLWantReadError):
            end.do_handshake()
    return to_client.read()


def is_trusted(pair: ServerCertificate, root: Issued, name: str = NAME) -> bool:
    """Whether a client that trusts only the root accepts the served chain."""
    try:
        shake(ServerTls([pair]), ssl.create_default_context(cadata=root.pem.decode()), name)
    except ssl.SSLCertVerificationError:
        return False
    return True


ROOT = issue((), subject="root", authority=True)
MIDDLE = issue((), subject="middle", issuer=ROOT, authority=True)
LOWER = issue((), subject="lower", issuer=MIDDLE, authority=True)
ISSUED = issue()
"""One pair for tests that only need some bytes of it."""


def pem_of(der: bytes) -> bytes:
    """Any bytes, encoded as the DER of a PEM certificate."""
    return (
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
    )
