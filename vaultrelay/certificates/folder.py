"""Certificate folders: loads each certificate with its key from the .pem files of a folder."""

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vaultrelay.certificates.certificate_files import BadCertificate, FoundFile, read_any
from vaultrelay.certificates.regular_file import unreadable_reason
from vaultrelay.certificates.server_certificate import ServerCertificate, is_pair, make_pair
from vaultrelay.certificates.trust import system_trust
from vaultrelay.certificates.x509 import read_certificate

_TOLD_FILES = 3
"""Number of files named in the error for a folder without a usable pair."""


def load_folder(folder: Path) -> list[ServerCertificate]:
    """Return the pairs of a folder and its subfolders, in the order of their key files.

    Raises BadCertificate if the folder has no usable pair, or if a file is unusable.
    """
    files: dict[Path, FoundFile] = {}
    for path in _files(folder):
        with _naming(path):
            files[path] = read_any(path)
    try:
        pairs = [replace(pair, files=(folder,)) for pair in _pairs(files)]
    except OSError:
        raise BadCertificate(
            "cannot be tried: there is no temporary folder that the relay can write. Name one with "
            "TMPDIR"
        ) from None
    if not pairs:
        raise BadCertificate(f"has no certificate with its key in .pem files{_told(files)}")
    return pairs


def _pairs(files: Mapping[Path, FoundFile]) -> Iterator[ServerCertificate]:
    certificates = {each: path for path, file in files.items() for each in file.certificates}
    issuers = _issuers(certificates)
    trust = system_trust()
    if roots := b"".join(each for each in certificates if read_certificate(each).is_self_signed):
        # Roots of the operator's own authorities, which are not served.
        trust.load_verify_locations(cadata=roots)
    with TemporaryDirectory() as temporary:
        # OpenSSL loads a pair from files only. The certificate is no secret; keys are not
        # copied.
        alone = Path(temporary, "certificate.pem")
        for key in [path for path, file in files.items() if file.has_key]:
            for own, path in certificates.items():
                alone.write_text(ssl.DER_cert_to_PEM_cert(own))
                with _naming(path, key):
                    if is_pair(alone, key):
                        yield make_pair(alone, key, issuers, trust)


def _files(folder: Path) -> list[Path]:
    """Return the .pem files of a folder and its subfolders. Raises BadCertificate if unreadable."""

    def refuse(error: OSError) -> None:
        barred = Path(error.filename)
        where = "" if barred == folder else f"holds {barred}, which "
        raise BadCertificate(f"{where}cannot be read: {unreadable_reason(barred, error)}") from None

    walk = os.walk(folder, onerror=refuse)
    return sorted(
        Path(within, name)
        for within, folders, names in walk
        for name in (*folders, *names)
        if name.endswith(".pem")
    )


def _told(files: dict[Path, FoundFile]) -> str:
    """Return a description of the files in a folder without a usable pair."""
    told = [f"{path.name} {file.what}" for path, file in files.items() if file.what]
    more = "" if len(told) <= _TOLD_FILES else ", ..."
    return f": {'; '.join(told[:_TOLD_FILES])}{more}" if told else ""


def _issuers(certificates: Iterable[bytes]) -> bytes:
    """Return the issuers among the certificates, without roots, which devices have."""
    found = []
    for each in certificates:
        reader = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        reader.load_verify_locations(cadata=each)
        if reader.get_ca_certs() and not read_certificate(each).is_self_signed:
            found.append(each)
    return b"".join(found)


@contextmanager
def _naming(certificate: Path, key: Path | None = None) -> Iterator[None]:
    """Add the name of the file to a BadCertificate."""
    try:
        yield
    except BadCertificate as error:
        path = key if key is not None and error.about_key else certificate
        raise BadCertificate(f"holds {path}, which {error}") from None
