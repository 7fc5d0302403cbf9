"""ServerCertificate: a certificate with its key, tested in a handshake in memory."""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from vaultrelay.certificates.certificate_files import BadCertificate, read_certificates, read_pem
from vaultrelay.certificates.openssl_error import is_mismatch, raise_cause
from vaultrelay.certificates.pem import stray_marker
from vaultrelay.certificates.regular_file import is_world_readable
from vaultrelay.certificates.tls_context import new_context
from vaultrelay.certificates.trust import (
    NO_CHECK_TIME,
    client_context,
    client_objection,
    shake_hands,
    system_trust,
)
from vaultrelay.certificates.x509 import X509, read_certificate
from vaultrelay.wire.host import canonical_host


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate with its key, ready to be served, and its properties.

    `names` are its host names and IP addresses, `hosts` those that a device can dial, in the
    canonical form of an audience, `files` the files that it was read from, or their
    folder. `fingerprint` covers it and its issuers. `x509` has its other fields, `issuer` the
    common name of its issuer, or the organization, if it has one. `distrust` is the reason why a
    client with this machine's trust store rejects it, apart from dates and names.
    If its issuer is neither served nor trusted, `distrust` is empty and `lacks_issuer` is set;
    `unread` is then the fault of a marker that OpenSSL ignores, if that may be the cause.
    `open_key` is the file of the key if every user can read it.
    """

    context: ssl.SSLContext = field(repr=False, compare=False)
    names: tuple[str, ...]
    starts: datetime
    ends: datetime
    fingerprint: str
    x509: X509 = field(repr=False, compare=False)
    issuer: str = field(compare=False)
    files: tuple[Path, ...] = ()
    distrust: str = field(default="", compare=False)
    lacks_issuer: bool = field(default=False, compare=False)
    unread: str = field(default="", compare=False)
    open_key: Path | None = field(default=None, compare=False)
    hosts: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def trouble(self, now: datetime) -> str | None:
        """Return why devices reject the dates of the certificate at `now`; None if they do not."""
        if now > self.ends:
            return f"the certificate expired on {self.ends:%Y-%m-%d}"
        if now < self.starts:
            return f"the certificate is not valid before {self.starts:%Y-%m-%d %H:%M} UTC"
        return None


def load_certificate(
    certificate: Path, key: Path, issuers: Path | None = None
) -> ServerCertificate:
    """Return the certificate and key in two PEM files, which may be the same file.

    The issuers' certificates follow the relay's own, or are in a separate file. Raises
    BadCertificate if a file is unusable.
    """
    read_pem(certificate)
    read_pem(key, about_key=True)
    chain = b"" if issuers is None else b"".join(read_certificates(issuers))
    files = (certificate, key) if issuers is None else (certificate, key, issuers)
    return replace(load_with_issuers(certificate, key, chain), files=files)


def load_with_issuers(
    certificate: Path, key: Path, issuers: bytes, trust: ssl.SSLContext | None = None
) -> ServerCertificate:
    """Return the certificate and key in two PEM files; `issuers`, in DER, are served with it.

    `trust` is a client context with this machine's trust store. Raises BadCertificate if TLS does
    not work with the certificate.
    """
    context = new_context()
    try:
        context.load_cert_chain(certificate, key, password=_reject_encrypted_key)
        if issuers:
            context.load_verify_locations(cadata=issuers)
        own = shake_hands(context, client_context(ssl.CERT_NONE)).getpeercert(binary_form=True)
        fields = _verified_fields(context, own or b"")
        x509 = read_certificate(own or b"")
        issuer = dict(part for parts in reversed(fields["issuer"]) for part in parts)
        loaded = ServerCertificate(
            context,
            x509.names,
            _parse_time(fields["notBefore"]),
            _parse_time(fields["notAfter"]),
            sha256(read_pem(certificate) + issuers).hexdigest(),
            x509,
            issuer.get("commonName") or issuer.get("organizationName", ""),
            open_key=key if is_world_readable(key) else None,
            hosts=frozenset(_canonical_hosts(x509.names)),
        )
    except ssl.SSLError as error:
        raise_cause(error, certificate, key)
    except BadCertificate:
        raise
    except (ValueError, KeyError):
        raise BadCertificate("has fields that cannot be parsed. Have it reissued") from None
    has_bad_dates = loaded.trouble(utc_now()) is not None
    distrust, lacks_issuer = client_objection(context, trust or system_trust(), has_bad_dates)
    unread = stray_marker(read_pem(certificate)) if lacks_issuer else None
    return replace(loaded, distrust=distrust, lacks_issuer=lacks_issuer, unread=unread or "")


def may_belong_together(certificate: Path, key: Path) -> bool:
    """Return False if the key is of another certificate, True even if a file is unusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate, key, password=_reject_encrypted_key)
    except ssl.SSLError as error:
        return not is_mismatch(error)
    return True


def utc_now() -> datetime:
    """Return the time for checks of certificates, from the wall clock."""
    return datetime.now(UTC)


def _verified_fields(context: ssl.SSLContext, own: bytes) -> Any:
    """Return the certificate as a client sees it. Raises SSLError if TLS does not work with it.

    The standard library returns the fields only to a client that has verified the certificate.
    This client trusts only this certificate, with any dates.
    """
    trusting = client_context()
    trusting.load_verify_locations(cadata=own)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    return shake_hands(context, trusting).getpeercert()


def _canonical_hosts(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        # A certificate may hold names that no device can dial.
        with suppress(ValueError):
            yield canonical_host(name)


def _reject_encrypted_key() -> str:
    raise BadCertificate(
        "is encrypted, and the relay cannot prompt for a passphrase. Use an unencrypted key that "
        "only the relay's user can read",
        about_key=True,
    )


def _parse_time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
