"""X.509: fields of a certificate missing in the standard library (RFC 5280, section 4.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from vaultrelay.certificates.der import CONTEXT_0, OID, SEQUENCE, dotted, elements
from vaultrelay.policy.printable import printable

_CURVES = "1.2.840.10045.2.1"
_KEYS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.3.1.1": "P-192",
    "1.2.840.10045.3.1.7": "P-256",
    "1.3.132.0.10": "secp256k1",
    "1.3.132.0.33": "P-224",
    "1.3.132.0.34": "P-384",
    "1.3.132.0.35": "P-521",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
    "1.3.101.110": "X25519",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
"""Kinds of keys by their object identifiers, or those of their curves."""
_WEAK_DIGESTS = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
}
"""Digests that devices reject, by the signature algorithms that use them."""
_BROWSER_KEYS = ("RSA", "P-256", "P-384")
"""The kinds that public authorities sign (CA/Browser Forum, Baseline Requirements, 6.1.5) without
P-521, which Chromium refuses."""
_EXTENSIONS = 0xA3
_ALTERNATIVE_NAMES = "2.5.29.17"
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class X509:
    """Fields of a certificate. `subject`, `issuer` and `public_key` are DER; `weak_digest` is the
    digest of its signature if devices reject that, else empty."""

    subject: bytes
    issuer: bytes
    key: str
    weak_digest: str
    names: tuple[str, ...]
    public_key: bytes

    @property
    def is_self_signed(self) -> bool:
        """Whether subject and issuer are the same."""
        return self.subject == self.issuer

    @property
    def is_for_browsers(self) -> bool:
        """Whether browsers accept its kind of key."""
        return self.key in _BROWSER_KEYS


def names_text(names: Sequence[str]) -> str:
    """Return the first names of a certificate as text that is safe to print."""
    more = [] if len(names) <= _NAMES_SHOWN else ["..."]
    return ", ".join([*map(printable, names[:_NAMES_SHOWN]), *more])


def read_certificate(der: bytes) -> X509:
    """Parse a certificate in DER. Raises ValueError if it is invalid."""
    try:
        _, whole = next(elements(der))
        (_, body), (_, signature), *_ = elements(whole)
        fields = [each for each in elements(body) if each[0] != CONTEXT_0]
        _, _, (_, issuer), _, (_, subject), (_, key), *more = fields
        return X509(
            subject,
            issuer,
            _kind_of_key(key),
            _WEAK_DIGESTS.get(_oids(signature)[0], ""),
            tuple(_names(more)),
            key,
        )
    except (IndexError, StopIteration):
        raise ValueError("not a certificate") from None


def _kind_of_key(key: bytes) -> str:
    (_, algorithm), *_ = elements(key)
    kind, *curve = _oids(algorithm)
    found = curve[0] if kind == _CURVES and curve else kind
    return _KEYS.get(found, found)


def _oids(sequence: bytes) -> list[str]:
    return [dotted(content) for tag, content in elements(sequence) if tag == OID]


def _names(more: list[tuple[int, bytes]]) -> Iterator[str]:
    """Yield the host names and addresses among the alternative names."""
    for tag, wrapped in more:
        for _, extensions in elements(wrapped) if tag == _EXTENSIONS else ():
            for _, extension in elements(extensions):
                (_, oid), *_, (_, value) = elements(extension)
                if dotted(oid) == _ALTERNATIVE_NAMES:
                    yield from _alternatives(value)


def _alternatives(value: bytes) -> Iterator[str]:
    for outer, names in elements(value):
        for tag, name in elements(names) if outer == SEQUENCE else ():
            if tag == _DNS_NAME:
                yield name.decode("ascii", "replace")
            elif tag == _IP_ADDRESS:
                yield str(ip_address(name))
