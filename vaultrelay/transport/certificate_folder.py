"""Certificate folders: every certificate in a folder of .pem files that has its key there."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vaultrelay.transport.certificate import (
    BadCertificate,
    CertificatePair,
    is_pair,
    make_pair,
    read_certificates,
    read_pem,
)

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


def load_folder(folder: Path) -> list[CertificatePair]:
    """The pairs of a folder and those below it, in the order of their keys' files.

    BadCertificate for a folder that would serve nobody, and for a file that cannot be used.
    """
    certificates: list[str] = []
    keys: list[Path] = []
    for path in sorted(folder.rglob("*.pem")):
        with _naming(path):
            content = read_pem(path)
            if _CERTIFICATE in content:
                certificates += read_certificates(path)
            if _KEY.search(content):
                keys.append(path)
    try:
        pairs = list(_pairs(certificates, keys, folder))
    except OSError:
        raise BadCertificate(
            "cannot be tried: there is no temporary folder that the relay can write. Name one with "
            "TMPDIR"
        ) from None
    if not pairs:
        raise BadCertificate("has no certificate with its key in .pem files")
    return pairs


def _pairs(certificates: list[str], keys: list[Path], folder: Path) -> Iterator[CertificatePair]:
    issuers = _issuers(certificates)
    with TemporaryDirectory() as temporary:
        # OpenSSL takes a pair from files alone. The certificate is no secret; keys stay where they
        # are.
        alone = Path(temporary, "certificate.pem")
        for key in keys:
            for own in dict.fromkeys(certificates):
                alone.write_text(own)
                with _naming(key):
                    if is_pair(alone, key):
                        yield replace(make_pair(alone, key, own, issuers), files=(folder,))


def _issuers(certificates: list[str]) -> str:
    """Those of the certificates that issue others, roots left out: devices have them."""
    found = []
    for each in certificates:
        reader = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        reader.load_verify_locations(cadata=each)
        if any(known["subject"] != known["issuer"] for known in reader.get_ca_certs()):
            found.append(each)
    return "".join(found)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file a BadCertificate is about."""
    try:
        yield
    except BadCertificate as error:
        raise BadCertificate(f"holds {path}, which {error}") from None
