"""Certificate folders: loads each certificate with its key from the .pem files of a folder."""

import os
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vaultrelay.certificates.certificate_files import BadCertificate, read_any
from vaultrelay.certificates.pem import Block
from vaultrelay.certificates.regular_file import unreadable_reason
from vaultrelay.certificates.server_certificate import (
    ServerCertificate,
    load_with_issuers,
    may_belong_together,
)
from vaultrelay.certificates.trust import client_context, system_trust
from vaultrelay.certificates.x509 import read_certificate
from vaultrelay.policy.rest import Rest, no_rest

_NAMED_FILES = 3
"""Number of files named in the error for a folder without a usable certificate."""


@dataclass(frozen=True)
class _Copy:
    """A `file` with one certificate of the file `path` alone."""

    file: Path
    path: Path
    public_key: bytes


def load_folder(folder: Path, rest: Rest = no_rest) -> list[ServerCertificate]:
    """Return the certificates with their keys of a folder and its subfolders, in the order of the
    key files. `rest` is called after each step of some milliseconds.

    Raises BadCertificate if the folder has none that is usable, or if a file is invalid.
    """
    files: dict[Path, list[Block]] = {}
    descriptions: dict[Path, str] = {}
    for path in _pem_files(folder):
        with _with_file_name(path):
            files[path], descriptions[path] = read_any(path)
        rest()
    try:
        loaded = [replace(each, files=(folder,)) for each in _load_all(files, rest)]
    except OSError:
        raise BadCertificate(
            "cannot be checked: there is no temporary folder that the relay can write to. Set "
            "TMPDIR to one"
        ) from None
    if not loaded:
        named = [f"{path.name} {text}" for path, text in descriptions.items() if text]
        more = ", ..." if len(named) > _NAMED_FILES else ""
        listed = f": {'; '.join(named[:_NAMED_FILES])}{more}" if named else ""
        raise BadCertificate(f"has no .pem files with a certificate and its key{listed}")
    return loaded


def _load_all(files: Mapping[Path, Sequence[Block]], rest: Rest) -> Iterator[ServerCertificate]:
    certificates = {
        block.der: path
        for path, blocks in files.items()
        for block in blocks
        if block.is_certificate
    }
    issuers = _issuers(certificates)
    trust = system_trust()
    if roots := b"".join(each for each in certificates if read_certificate(each).is_self_signed):
        # Roots of the operator's own authorities, which are not served.
        trust.load_verify_locations(cadata=roots)
    with TemporaryDirectory() as temporary:
        # OpenSSL loads a certificate and its key from files only. The certificate is not secret;
        # keys are not copied.
        copies = [
            _Copy(Path(temporary, f"{number}.pem"), path, read_certificate(own).public_key)
            for number, (own, path) in enumerate(certificates.items())
        ]
        for copy, own in zip(copies, certificates, strict=True):
            copy.file.write_text(ssl.DER_cert_to_PEM_cert(own))
            rest()
        for key in [path for path, blocks in files.items() if any(each.is_key for each in blocks)]:
            public_key = _public_key_of(key, copies, rest)
            for copy in copies:
                if copy.public_key == public_key:
                    with _with_file_name(copy.path, key):
                        yield load_with_issuers(copy.file, key, issuers, trust)
                    rest()


def _public_key_of(key: Path, copies: Iterable[_Copy], rest: Rest) -> bytes | None:
    """Return the public key of the first certificate that a key may belong to; None if there is
    none."""
    # Most keys lie beside their certificate. To try each with each takes seconds.
    for copy in sorted(copies, key=lambda each: each.path.parent != key.parent):
        with _with_file_name(copy.path, key):
            if may_belong_together(copy.file, key):
                return copy.public_key
        rest()
    return None


def _pem_files(folder: Path) -> list[Path]:
    """Return the .pem files of a folder and its subfolders. Raises BadCertificate if unreadable."""

    def refuse(error: OSError) -> None:
        path = Path(error.filename)
        where = "" if path == folder else f"contains {path}, which "
        raise BadCertificate(f"{where}cannot be read: {unreadable_reason(path, error)}") from None

    walk = os.walk(folder, onerror=refuse)
    return sorted(
        Path(within, name)
        for within, folders, names in walk
        for name in (*folders, *names)
        if name.endswith(".pem")
    )


def _issuers(certificates: Iterable[bytes]) -> bytes:
    """Return the issuers among the certificates, without roots, which devices have."""
    reader = client_context()
    for each in certificates:
        reader.load_verify_locations(cadata=each)
    authorities = reader.get_ca_certs(binary_form=True)
    return b"".join(each for each in authorities if not read_certificate(each).is_self_signed)


@contextmanager
def _with_file_name(certificate: Path, key: Path | None = None) -> Iterator[None]:
    """Add the name of the file to a BadCertificate."""
    try:
        yield
    except BadCertificate as error:
        path = key if key is not None and error.about_key else certificate
        raise BadCertificate(f"contains {path}, which {error}") from None
