"""Certificates: a PEM pair read, and tried in a handshake with ourselves, before it is served."""

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from vaultrelay.transport.plain_file import read_file
from vaultrelay.transport.tls import new_context

_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|\Z)", re.DOTALL
)
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which the standard library has no name."""
_HANDSHAKE_ROUNDS = 4
_NO_PAIR = (
    "is not the key of the certificate. Give the key that the certificate was made with, and the "
    "relay's own certificate before those of its issuers"
)
_REFUSED_KEYS = {
    "UNKNOWN_CERTIFICATE_TYPE": "is of a kind that TLS does not take. Make one for P-256",
    "EE_KEY_TOO_SMALL": "is too short, no device accepts it. Make one for P-256, or RSA of 2048 "
    "bits",
    "KEY_VALUES_MISMATCH": _NO_PAIR,
    "KEY_TYPE_MISMATCH": _NO_PAIR,
    "NO_CERTIFICATE_ASSIGNED": _NO_PAIR,  # the key is RSA and the certificate is not, or so
    "BAD_SIGNATURE": _NO_PAIR,
}
"""What OpenSSL has against a key, by its reason."""


class BadCertificate(ValueError):
    """A certificate or key that cannot be used; the text names the cause and the cure.

    `about_key` tells which of the two is meant.
    """

    def __init__(self, text: str, about_key: bool = False) -> None:
        super().__init__(text)
        self.about_key = about_key


@dataclass(frozen=True)
class CertificatePair:
    """A certificate ready to be served, and what it says of itself.

    `names` are the host names and IP addresses that it is for, `files` those from which it was
    read, or their folder. `fingerprint` is of it and its issuers.
    """

    context: ssl.SSLContext = field(repr=False, compare=False)
    names: tuple[str, ...]
    starts: datetime
    ends: datetime
    fingerprint: str
    files: tuple[Path, ...] = ()

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
    own = read_certificates(certificate)[0]
    read_pem(key, about_key=True)
    chain = "" if issuers is None else "".join(read_certificates(issuers))
    files = (certificate, key) if issuers is None else (certificate, key, issuers)
    return replace(make_pair(certificate, key, own, chain), files=files)


def make_pair(certificate: Path, key: Path, own: str, issuers: str = "") -> CertificatePair:
    """The pair in two files, the first of which begins with `own`; all PEM.

    Issuers that are needed, and not in the file, are served after the own certificate.
    """
    context = new_context()
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
        if issuers:
            context.load_verify_locations(cadata=issuers)
        facts = _shake_hands(context, own)
        return CertificatePair(
            context,
            tuple(_names(facts.get("subjectAltName", ()))),
            _time(facts["notBefore"]),
            _time(facts["notAfter"]),
            sha256(read_pem(certificate) + issuers.encode("ascii")).hexdigest(),
        )
    except ssl.SSLError as error:
        raise _refusal(error) from None
    except BadCertificate:
        raise
    except (ValueError, KeyError):
        raise BadCertificate("says of itself what makes no sense") from None


def is_pair(certificate: Path, key: Path) -> bool:
    """Whether the key is that of the certificate, as far as it can be read. Both may be bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except ssl.SSLError as error:
        return _REFUSED_KEYS.get(error.reason or "") != _NO_PAIR
    return True


def read_pem(path: Path, about_key: bool = False) -> bytes:
    """The content of a file; BadCertificate if there is none to be had."""
    try:
        return read_file(path)
    except ValueError:
        raise BadCertificate("is not a file name", about_key) from None
    except OSError as error:
        cause = (error.strerror or "unreadable").lower()
        cure = ". Its owner and mode must let the relay's user read it" * isinstance(
            error, PermissionError
        )
        raise BadCertificate(f"cannot be read: {cause}{cure}", about_key) from None


def read_certificates(path: Path) -> list[str]:
    """The certificates in a PEM file, of which there must be one, as a PEM text each."""
    try:
        found = [block.decode("ascii") + "\n" for block in _CERTIFICATE.findall(read_pem(path))]
        for each in found:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=each)
    except (UnicodeDecodeError, ssl.SSLError):
        found = []
    if not found:
        raise BadCertificate(
            "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----"
        )
    return found


def utc_now() -> datetime:
    """The time by which certificates are judged: the wall clock."""
    return datetime.now(UTC)


def _shake_hands(context: ssl.SSLContext, own: str) -> Any:
    """What a client sees of the certificate; SSLError where TLS does not work with it.

    The standard library reads a certificate only for who has verified it. This client trusts this
    one certificate, whatever its dates.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.load_verify_locations(cadata=own)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_HANDSHAKE_ROUNDS):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return client.getpeercert()


def _refusal(error: ssl.SSLError) -> BadCertificate:
    reason = getattr(error, "reason", None) or ""
    if reason in _REFUSED_KEYS:
        return BadCertificate(_REFUSED_KEYS[reason], about_key=True)
    if not reason:
        # The certificate was read before: what OpenSSL found no PEM in is the key.
        return BadCertificate(
            "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----",
            about_key=True,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return BadCertificate(f"would be refused by every device: {error.verify_message}")
    return BadCertificate(f"cannot be used for TLS: {reason.lower().replace('_', ' ')}")


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
