"""Certificates: a PEM pair read, and tried in a handshake with ourselves, before it is served."""

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from vaultrelay.certificates.context import new_context
from vaultrelay.certificates.files import BadCertificate, read_certificates, read_pem
from vaultrelay.certificates.pem import stray_marker
from vaultrelay.certificates.plain_file import is_open_to_all
from vaultrelay.certificates.refusal import refusal, refuses_key
from vaultrelay.certificates.trust import (
    NO_CHECK_TIME,
    client_context,
    shake_hands,
    system_trust,
    why_distrusted,
)
from vaultrelay.certificates.x509 import X509, read_certificate


@dataclass(frozen=True)
class CertificatePair:
    """A certificate ready to be served, and what it says of itself.

    `names` are the host names and IP addresses that it is for, `files` those from which it was
    read, or their folder. `fingerprint` is of it and its issuers. `x509` is what it says of itself
    beyond that. `distrust` is why a client that trusts what this machine trusts would refuse it,
    dates and names aside; for an issuer that is neither served nor trusted, it is empty and
    `lacks_issuer` is set, and `unread` names the line of a marker that is no marker to OpenSSL,
    if that may be why. `open_key` is the file of the key if every user can read it.
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
        """Why devices will refuse the certificate at this time; None when the dates are good."""
        if now > self.ends:
            return f"the certificate expired on {self.ends:%Y-%m-%d}"
        if now < self.starts:
            return f"the certificate is not valid before {self.starts:%Y-%m-%d %H:%M} UTC"
        return None


def load_pair(certificate: Path, key: Path, issuers: Path | None = None) -> CertificatePair:
    """The pair in two PEM files, which may be one and the same; BadCertificate if unusable.

    The issuers' certificates follow the relay's own, or are in a file of their own.
    """
    read_pem(certificate)
    read_pem(key, about_key=True)
    chain = b"" if issuers is None else b"".join(read_certificates(issuers))
    files = (certificate, key) if issuers is None else (certificate, key, issuers)
    return replace(make_pair(certificate, key, chain), files=files)


def make_pair(
    certificate: Path, key: Path, issuers: bytes = b"", trust: ssl.SSLContext | None = None
) -> CertificatePair:
    """The pair in two PEM files. Issuers, in DER, that are not in the file are served after it.

    `trust` is a client's context with the certificates that this machine trusts. Raises
    BadCertificate if TLS does not work with the pair.
    """
    context = new_context()
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
        if issuers:
            context.load_verify_locations(cadata=issuers)
        own = shake_hands(context, client_context(ssl.CERT_NONE)).getpeercert(binary_form=True)
        own = own or b""
        facts = _statements(context, own)
        pair = CertificatePair(
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
    """Whether the key is that of the certificate, as far as it can be read. Both may be bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except ssl.SSLError as error:
        return not refuses_key(error)
    return True


def utc_now() -> datetime:
    """The time by which certificates are judged: the wall clock."""
    return datetime.now(UTC)


def _statements(context: ssl.SSLContext, own: bytes) -> Any:
    """What a client sees of the certificate; SSLError where TLS does not work with it.

    The standard library shows a certificate only to a client that has verified it. This one trusts
    this certificate alone, whatever its dates.
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
    """The names of hosts among those of a certificate, which may be for mail and others too."""
    for kind, name in found:
        if kind == "DNS":
            yield name
        elif kind == "IP Address":
            # OpenSSL writes IPv6 at full length.
            yield str(ip_address(name))


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
