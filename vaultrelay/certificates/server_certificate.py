"""ServerCertificate: a PEM pair, tested in a handshake in memory before it is served."""

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from vaultrelay.certificates.certificate_files import BadCertificate, read_certificates, read_pem
from vaultrelay.certificates.openssl_error import refusal, refuses_key
from vaultrelay.certificates.pem import stray_marker
from vaultrelay.certificates.regular_file import is_open_to_all
from vaultrelay.certificates.tls_context import new_context
from vaultrelay.certificates.trust import (
    NO_CHECK_TIME,
    client_context,
    shake_hands,
    system_trust,
    why_distrusted,
)
from vaultrelay.certificates.x509 import X509, read_certificate


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate with its key, ready to be served, and its properties.

    `names` are its host names and IP addresses, `files` the files that it was read from, or their
    folder. `fingerprint` covers it and its issuers. `x509` has its other fields. `distrust` is the
    reason why a client with this machine's trust store would refuse it, apart from dates and names.
    For an issuer that is neither served nor trusted, `distrust` is empty and `lacks_issuer` is set;
    `unread` then names the line of a marker that OpenSSL does not recognise, if that may be the
    cause. `open_key` is the file of the key if every user can read it.
    """

    context: ssl.SSLContext = field(repr=False, compare=False)
    names: tuple[str, ...]
    starts: datetime
    ends: datetime
    fingerprint: str
    x509: X509 = field(repr=False, compare=False)
    files: tuple[Path, ...] = ()
    distrust: str = field(default="", compare=False)
    lacks_issuer: bool = field(default=False, compare=False)
    unread: str = field(default="", compare=False)
    open_key: Path | None = field(default=None, compare=False)

    def trouble(self, now: datetime) -> str | None:
        """Return why devices will refuse the dates of the certificate at `now`; None if good."""
        if now > self.ends:
            return f"the certificate expired on {self.ends:%Y-%m-%d}"
        if now < self.starts:
            return f"the certificate is not valid before {self.starts:%Y-%m-%d %H:%M} UTC"
        return None


def load_certificate(
    certificate: Path, key: Path, issuers: Path | None = None
) -> ServerCertificate:
    """Return the pair in two PEM files, which may be the same. Raises BadCertificate if unusable.

    The issuers' certificates follow the relay's own, or are in a separate file.
    """
    read_pem(certificate)
    read_pem(key, about_key=True)
    chain = b"" if issuers is None else b"".join(read_certificates(issuers))
    files = (certificate, key) if issuers is None else (certificate, key, issuers)
    return replace(make_pair(certificate, key, chain), files=files)


def make_pair(
    certificate: Path, key: Path, issuers: bytes = b"", trust: ssl.SSLContext | None = None
) -> ServerCertificate:
    """Return the pair in two PEM files. `issuers`, in DER, are served after those in the file.

    `trust` is a client context with this machine's trust store. Raises BadCertificate if TLS does
    not work with the pair.
    """
    context = new_context()
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
        if issuers:
            context.load_verify_locations(cadata=issuers)
        own = shake_hands(context, client_context(ssl.CERT_NONE)).getpeercert(binary_form=True)
        own = own or b""
        facts = _statements(context, own)
        pair = ServerCertificate(
            context,
            tuple(_names(facts.get("subjectAltName", ()))),
            _time(facts["notBefore"]),
            _time(facts["notAfter"]),
            sha256(read_pem(certificate) + issuers).hexdigest(),
            read_certificate(own),
            open_key=key if is_open_to_all(key) else None,
        )
    except ssl.SSLError as error:
        raise refusal(error, certificate, key) from None
    except BadCertificate:
        raise
    except (ValueError, KeyError):
        raise BadCertificate("says of itself what makes no sense") from None
    has_bad_dates = pair.trouble(utc_now()) is not None
    distrust, lacks_issuer = why_distrusted(context, trust or system_trust(), has_bad_dates)
    unread = stray_marker(read_pem(certificate)) if lacks_issuer else None
    return replace(pair, distrust=distrust, lacks_issuer=lacks_issuer, unread=unread or "")


def is_pair(certificate: Path, key: Path) -> bool:
    """Return whether the key belongs to the certificate, as far as readable. Both may be bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except ssl.SSLError as error:
        return not refuses_key(error)
    return True


def utc_now() -> datetime:
    """Return the time for checks of certificates, from the wall clock."""
    return datetime.now(UTC)


def _statements(context: ssl.SSLContext, own: bytes) -> Any:
    """Return the certificate as a client sees it. Raises SSLError if TLS does not work with it.

    The standard library returns a certificate only to a client that has verified it. This client
    trusts this certificate only, with any dates.
    """
    trusting = client_context()
    trusting.load_verify_locations(cadata=own)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    return shake_hands(context, trusting).getpeercert()


def _refuse_password() -> str:
    raise BadCertificate(
        "is encrypted. The relay starts without anybody to ask for the password: give it an "
        "unencrypted key that only its user may read",
        about_key=True,
    )


def _names(found: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Yield the host names among the names of a certificate, which may include mail addresses."""
    for kind, name in found:
        if kind == "DNS":
            yield name
        elif kind == "IP Address":
            # OpenSSL writes IPv6 addresses in full length.
            yield str(ip_address(name))


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
