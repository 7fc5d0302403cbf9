"""Files of certificates and keys: those that cannot be read, or are no PEM, or are damaged."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from tests.authority import NAME, Key, ec_key, ed25519_key, issue, rsa_key, write_pair
from tests.certificates.pairs import ISSUED, NOON, pem_of, refusal_of
from vaultrelay.certificates import certificate_files
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.regular_file import read_file
from vaultrelay.certificates.server_certificate import load_certificate


@pytest.mark.parametrize("about_key", [False, True])
@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("missing.pem", "cannot be read: no such file or directory"),
        (".", "cannot be read: is a directory"),
        ("fullchain.pem/x", "cannot be read: not a directory"),
        ("x" * 300, "cannot be read: file name too long"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_its_cause(
    tmp_path: Path, path: str, cause: str, about_key: bool
) -> None:
    certificate, key = write_pair(tmp_path, issue())
    bad = tmp_path / path
    assert refusal_of(*((certificate, bad) if about_key else (bad, key))) == (cause, about_key)


@pytest.mark.parametrize("about_key", [False, True])
def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path, about_key: bool) -> None:
    certificate, key = write_pair(tmp_path, issue())
    bad = Path("nul\0byte")
    assert refusal_of(*((certificate, bad) if about_key else (bad, key)))[1] is about_key


@pytest.mark.parametrize("about_key", [False, True])
def test_a_file_that_the_relay_may_not_read_says_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about_key: bool
) -> None:
    certificate, key = write_pair(tmp_path, issue())
    barred = key if about_key else certificate
    read = read_file

    def read_what_one_may(path: Path) -> bytes:
        if path == barred:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(certificate_files, "read_file", read_what_one_may)
    said, is_key = refusal_of(certificate, key)
    assert said.startswith("cannot be read: permission denied. Let the u")
    assert said.endswith(" read it: change its owner or mode")
    assert is_key == about_key


def test_an_error_without_a_name_is_still_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue())

    def fail(path: Path) -> bytes:
        raise OSError

    monkeypatch.setattr(certificate_files, "read_file", fail)
    assert refusal_of(certificate, key) == ("cannot be read: unreadable", False)


NO_CERTIFICATE = "has no readable certificate. It must be PEM: -----BEGIN CERTIFICATE-----"
NO_KEY = "has no readable private key. It must be PEM: -----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("content", [b"garbage", b"\xff\x00\xfe"], ids=["text", "bytes"])
def test_a_file_that_nobody_knows_is_told_the_form(tmp_path: Path, content: bytes) -> None:
    certificate, key = write_pair(tmp_path, ISSUED)
    other = tmp_path / "other.pem"
    other.write_bytes(content)
    assert refusal_of(other, key) == (NO_CERTIFICATE, False)
    assert refusal_of(certificate, other) == (NO_KEY, True)


@pytest.mark.parametrize("make_key", [ec_key, rsa_key, ed25519_key])
@pytest.mark.parametrize("other_key", [ec_key, lambda: rsa_key(2049), ed25519_key])
def test_the_key_of_another_certificate_is_refused(
    tmp_path: Path, make_key: type[Key], other_key: type[Key]
) -> None:
    certificate, key = write_pair(tmp_path, issue(key=make_key()))
    key.write_bytes(issue(key=other_key()).key_pem)
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("does not match the certificate. Use the key that ")
    assert about_key


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_told_to_be_decrypted(tmp_path: Path, form: PrivateFormat) -> None:
    issued = issue()
    certificate, key = write_pair(tmp_path, issued)
    key.write_bytes(issued.encrypted_key_pem(b"secret", form))
    said, about_key = refusal_of(certificate, key)
    assert said.startswith("is encrypted, and ")
    assert "unencrypted key that only the relay" in said
    assert about_key


def test_a_damaged_certificate_is_refused_or_still_readable(tmp_path: Path) -> None:
    """Each byte is damaged in turn; whatever is taken must serve the rest of the relay."""
    issued = issue([NAME, "2001:db8::1"])
    certificate, key = write_pair(tmp_path, issued)
    raised = set()
    for place in range(len(issued.der)):
        damaged = bytearray(issued.der)
        damaged[place] ^= (0x05, 0x80)[place % 2]
        certificate.write_bytes(pem_of(bytes(damaged)))
        try:
            pair = load_certificate(certificate, key)
            assert all(isinstance(name, str) for name in pair.names)
            pair.trouble(NOON)
        except BadCertificate:
            pass
        except Exception as error:
            raised.add(type(error).__name__)
    assert not raised


@pytest.mark.parametrize("make_key", [ec_key, rsa_key, ed25519_key])
@pytest.mark.parametrize("old_style", [False, True])
def test_a_damaged_key_is_refused_as_the_key(
    tmp_path: Path, make_key: type[Key], old_style: bool
) -> None:
    issued = issue(key=make_key())
    if old_style and make_key is ed25519_key:
        pytest.skip("there is no old style of it")
    certificate, key = write_pair(tmp_path, issued)
    pem = issued.old_style_key_pem if old_style else issued.key_pem
    first, *lines, last = pem.splitlines(keepends=True)
    der = base64.b64decode(b"".join(lines))
    for place in range(min(120, len(der))):
        damaged = bytearray(der)
        damaged[place] ^= 0x05
        key.write_bytes(first + base64.encodebytes(bytes(damaged)) + last)
        try:
            load_certificate(certificate, key)
        except BadCertificate as error:
            assert error.about_key, (place, str(error))  # noqa: PT017  some damage does no harm
