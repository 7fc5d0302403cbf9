"""Certificate folders: every certificate in a folder of .pem files that has its key there."""

import re
from pathlib import Path

from cryptography import x509

from vaultrelay.transport.certificate import (
    BadCertificate,
    CertificatePair,
    load_chain,
    load_key,
    public_bytes,
    read_pem,
)

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE = b"CERTIFICATE"
_KEY = b"PRIVATE KEY"


def load_folder(folder: Path) -> list[CertificatePair]:
    """The pairs of a folder and those below it, in the order of their keys' files.

    BadCertificate for a folder that would serve nobody, and for a file that cannot be used.
    """
    certificates: list[x509.Certificate] = []
    keys = []
    for path in sorted(folder.rglob("*.pem")):
        for kind, block in _blocks(read_pem(path)):
            try:
                if kind == _CERTIFICATE:
                    certificates += load_chain(block)
                elif kind.endswith(_KEY):
                    keys.append(load_key(block))
            except BadCertificate as error:
                raise BadCertificate(f"holds {path}, which {error}") from None
    by_key = {public_bytes(each.public_key()): each for each in certificates}
    pairs = [
        CertificatePair(_chain(by_key[own], certificates), key)
        for key in keys
        if (own := public_bytes(key.public_key())) in by_key
    ]
    if not pairs:
        raise BadCertificate("has no certificate with its key in .pem files")
    return pairs


def _blocks(pem: bytes) -> list[tuple[bytes, bytes]]:
    return [(found[1], found[0]) for found in _BLOCK.finditer(pem)]


def _chain(own: x509.Certificate, known: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """A certificate and those of its issuers that are known, roots left out: devices have them."""
    by_subject = {each.subject: each for each in known if each.subject != each.issuer}
    chain = [own]
    while (issuer := by_subject.get(chain[-1].issuer)) is not None and issuer not in chain:
        chain.append(issuer)
    return tuple(chain)
