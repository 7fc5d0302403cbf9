"""Foreign files: each kind that people put in place of a PEM file, by name and with its cure."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)

from tests.authority import DAY, issue, rsa_key, write_pair
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.folder import load_folder
from vaultrelay.certificates.server_certificate import load_certificate

OWN, RSA = issue(), issue(key=rsa_key())
PUBLIC = RSA.key.public_key()
DER, PEM = Encoding.DER, Encoding.PEM
PLAIN, SECRET = NoEncryption(), BestAvailableEncryption(b"secret")
PKCS8, OLD = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
PGP = (
    b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgEZ\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n"
)


def request(form: Encoding) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(OWN.certificate.subject)
    return builder.sign(rsa_key(), SHA256()).public_bytes(form)


def revocations(form: Encoding) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().issuer_name(OWN.certificate.subject)
    builder = builder.last_update(now).next_update(now + DAY)
    return builder.sign(rsa_key(), SHA256()).public_bytes(form)


def kinds() -> Iterator[tuple[str, str, bytes]]:
    """A name for each, what is said, and the content."""
    swapped = "contains a private key but no certificate. Are certificate and key swapped?"
    yield "key", swapped, OWN.key_pem
    yield "old key", swapped, OWN.old_style_key_pem
    yield "encrypted key", swapped, OWN.encrypted_key_pem(b"x")
    yield "key behind its parameters", swapped, PARAMETERS + OWN.old_style_key_pem
    yield "DER", "is a certificate in DER. Convert it: openssl x509 -inform DER", OWN.der
    for kind, key in (("EC", OWN.key), ("RSA", RSA.key)):
        for style in (PKCS8, OLD):
            what = "is a private key in DER. Are certificate and key swapped?"
            yield f"{kind} {style}", what, key.private_bytes(DER, style, PLAIN)
    encrypted = OWN.key.private_bytes(DER, PKCS8, SECRET)
    yield "encrypted DER key", "is an encrypted private key in DER. Are cert", encrypted
    store = pkcs12.serialize_key_and_certificates(b"x", rsa_key(), RSA.certificate, None, SECRET)
    yield "PKCS#12", "is PKCS#12. Convert it: openssl pkcs12 -in FILE -nokeys", store
    yield "BER PKCS#12", "is PKCS#12. ", b"\x30\x80\x02\x01\x03\x30\x80"
    for form in (DER, PEM):
        bag = pkcs7.serialize_certificates([OWN.certificate], form)
        yield f"PKCS#7 {form}", "is PKCS#7", bag
        yield f"request {form}", "is a certificate signing request. Use the cert", request(form)
        yield f"CRL {form}", "is a certificate revocation list. ", revocations(form)
        for public in (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo):
            what = "is a public key. Use the certificate"
            yield f"public {form} {public}", what, PUBLIC.public_bytes(form, public)
    yield "parameters", "contains key parameters but no key. ", PARAMETERS
    ssh = OWN.key.private_bytes(PEM, PrivateFormat.OpenSSH, PLAIN)
    yield "SSH", "is an SSH key. ", ssh
    yield "SSH public", "is an SSH key. ", b"ssh-ed25519 AAAAC3Nz root@host\n"
    yield "PuTTY", "is an SSH key. ", b"PuTTY-User-Key-File-3: ssh-ed25519\n"
    yield "SSH2", "is an SSH key. ", b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"
    yield "PGP", "is a PGP file. ", PGP
    yield "age", "is an age file. ", b"AGE-SECRET-KEY-1QQQ\n"
    yield "Ansible Vault", "is encrypted by Ansible Vault. ", b"$ANSIBLE_VAULT;1.1;AES256\n6638\n"
    yield "JKS", "is a Java keystore. ", b"\xfe\xed\xfe\xed\x00\x00\x00\x02"
    yield "HTML", "is a web page. The download failed", b"\n<!DOCTYPE html><title>404</title>"
    yield "XML", "is a web page. ", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
    yield "JSON", "is JSON. ", b'{"errors": ["permission denied"]}'
    yield "ZIP", "is an archive. Unpack it", b"PK\x03\x04\x14\x00"
    yield "gzip", "is an archive. Unpack it", b"\x1f\x8b\x08\x00"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        yield encoding, "is text in UTF-16. Save it as ASCII", OWN.pem.decode().encode(encoding)
    yield "base64", "is base64 without PEM markers. Add ", base64.encodebytes(OWN.der)
    again = "is base64-encoded PEM, as in a Kubernetes secret. Decode it: base64 "
    yield "PEM in base64", again, base64.b64encode(OWN.pem)
    yield "PEM in base64 with line ends", again, base64.encodebytes(OWN.pem)
    yield "a key in base64", again, base64.b64encode(OWN.key_pem)
    yield "base64 on one line", "is base64 without PEM markers. ", base64.b64encode(OWN.der)
    text = b"Certificate:\n    Data:\n        Version: 3 (0x2)\n"
    yield "the text of openssl", "is a certificate as text, without its PEM block. ", text
    yield "nothing", "is empty. Use the certificate with its chain, as PEM: ", b""
    yield "white space", "is empty. ", b"\xef\xbb\xbf \r\n\n"


KINDS = {name: (said, content) for name, said, content in kinds()}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_in_place_of_a_certificate_is_named(tmp_path: Path, name: str) -> None:
    said, content = KINDS[name]
    certificate, key = write_pair(tmp_path, OWN)
    certificate.write_bytes(content)
    with pytest.raises(BadCertificate) as caught:
        load_certificate(certificate, key)
    assert str(caught.value).startswith(said)
    assert not caught.value.about_key
    with pytest.raises(
        BadCertificate, match=r"has no \.pem files with a certificate and its key: "
    ):
        load_folder(tmp_path)


IN_PLACE_OF_A_KEY = {
    "key": None,
    "old key": None,
    "key behind its parameters": None,
    "encrypted key": "is encrypted, and ",
    "EC PrivateFormat.PKCS8": "is a private key in DER. Convert it: openssl ",
    "RSA PrivateFormat.TraditionalOpenSSL": "is a private key in DER. Convert it: ",
    "DER": "is a certificate in DER. Are certificate and key swapped?",
    "PKCS#12": "is PKCS#12. Convert it: openssl pkcs12 -in FILE -nocerts -nodes -out key.pem",
    "request Encoding.PEM": "is a certificate signing request. Use the private key, which was",
    "public Encoding.PEM PublicFormat.PKCS1": "is a public key. Use the private key that it",
    "parameters": "contains key parameters but no key. Create a key for TLS: openssl genpkey",
    "SSH": "is an SSH key. Create a key for TLS: openssl genpkey ",
    "PGP": "is a PGP file. Create a key for TLS",
    "HTML": "is a web page. ",
    "a key in base64": "is base64-encoded PEM, as in a Kubernetes secret. Decode it: base64 ",
    "base64": "is base64 without PEM markers. Add a line -----BEGIN PRIVATE KEY-----",
    "nothing": "is empty. Use the private key of the certificate",
}


@pytest.mark.parametrize("name", IN_PLACE_OF_A_KEY)
def test_what_is_in_place_of_a_key_is_named(tmp_path: Path, name: str) -> None:
    said = IN_PLACE_OF_A_KEY[name]
    certificate, key = write_pair(tmp_path, OWN)
    key.write_bytes(KINDS[name][1])
    if said is None:
        assert load_certificate(certificate, key)
        return
    with pytest.raises(BadCertificate) as caught:
        load_certificate(certificate, key)
    assert str(caught.value).startswith(said)
    assert caught.value.about_key


def test_files_that_are_swapped_are_told_so(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, OWN)
    with pytest.raises(BadCertificate, match="Are certificate and key swapped") as caught:
        load_certificate(key, certificate)
    assert not caught.value.about_key
    with pytest.raises(BadCertificate, match="contains a certificate but no private key") as caught:
        load_certificate(certificate, certificate)
    assert caught.value.about_key


def test_a_certificate_may_follow_its_text(tmp_path: Path) -> None:
    """As `openssl ca` and `openssl x509 -text` write it."""
    certificate, _ = write_pair(tmp_path, OWN)
    certificate.write_bytes(b"Certificate:\n    Data:\n" + certificate.read_bytes())
    assert load_folder(tmp_path)
