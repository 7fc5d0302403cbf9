"""PEM: what OpenSSL reads is taken, and of all else the file and the line are named."""

import random
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.authority import NAME, chain, issue
from vaultrelay.certificates.certificate_files import BadCertificate, read_certificates
from vaultrelay.certificates.folder import load_folder
from vaultrelay.certificates.server_certificate import load_certificate
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

OWN, ROOT = chain()
LEAF, ISSUER, KEY = OWN.pem, ROOT.pem, OWN.key_pem
JOINED = 11
"""The line where the end of a certificate is followed by the next marker, in the same line."""
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def body_on_one_line(pem: bytes) -> bytes:
    first, *body, last = pem.splitlines()
    return b"\n".join([first, b"".join(body), last])


def with_lines(change: Callable[[bytes], bytes]) -> bytes:
    """The leaf with each line changed that is inside of it."""
    first, *body, last = LEAF.splitlines()
    return b"\n".join([first, *map(change, body), last, b""])


TAKEN = {
    "words between the blocks": b"subject=CN = relay\n\n" + LEAF + b"\nissuer\n" + ISSUER,
    "a byte order mark": b"\xef\xbb\xbf" + LEAF,
    "CRLF": LEAF.replace(b"\n", b"\r\n"),
    "spaces at the ends of lines": LEAF.replace(b"\n", b" \t\n"),
    "no last line end": LEAF.rstrip(),
    "indented base64": with_lines(lambda line: b"  " + line),
    "base64 on one line": body_on_one_line(LEAF),
    "X509 CERTIFICATE": LEAF.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
    "TRUSTED CERTIFICATE": LEAF.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
    "a key first": KEY + LEAF,
    "a key behind": LEAF + KEY,
    "a revocation list between": LEAF
    + b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"
    + ISSUER,
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_openssl_reads_is_taken(tmp_path: Path, what: str) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(TAKEN[what])
    key.write_bytes(KEY)
    assert load_certificate(certificate, key).names == (NAME,)
    assert read_certificates(certificate)[0] == OWN.der
    assert load_folder(tmp_path)[0].names == (NAME,)


@pytest.mark.parametrize(
    "content",
    [
        PARAMETERS + OWN.old_style_key_pem,
        LEAF + KEY,
        b"\xef\xbb\xbf" + KEY,
        KEY.replace(b"\n", b"\r\n"),
        b"Bag Attributes\n    friendlyName: relay\n" + KEY,
        KEY + b"-----BEGIN CERTIFICATE-----",
    ],
    ids=["EC PARAMETERS", "certificate first", "BOM", "CRLF", "words", "half a certificate behind"],
)
def test_a_key_is_taken_as_openssl_reads_it(tmp_path: Path, content: bytes) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(LEAF)
    key.write_bytes(content)
    assert load_certificate(certificate, key).names == (NAME,)


TWO_MARKERS = "two markers are on one line"
NOT_ALONE = "a marker must have a line of its own"
NO_LINES = "a whole block is on one line, as in a variable without line ends. Use the file as it"
DASHES = "a marker needs five hyphens on each side"
CUT_OFF = "the block that begins there has no end. The file is truncated"
REFUSED = {
    "joined": (LEAF.rstrip() + ISSUER, JOINED, TWO_MARKERS),
    "joined below words": (b"leaf\n\n" + LEAF.rstrip() + ISSUER, JOINED + 2, TWO_MARKERS),
    "joined with another key": (LEAF.rstrip() + issue().key_pem, JOINED, TWO_MARKERS),
    "joined behind a key": (KEY.rstrip() + LEAF, 5, TWO_MARKERS),
    "the second joined": (LEAF + ISSUER.rstrip() + ISSUER, 2 * JOINED, TWO_MARKERS),
    "a space before": (b" " + LEAF, 1, NOT_ALONE),
    "a tab before": (b"\n\t" + LEAF, 2, NOT_ALONE),
    "words before": (b"cert: " + LEAF, 1, NOT_ALONE),
    "words behind": (LEAF.replace(b"-\nMI", b"- leaf\nMI"), 1, NOT_ALONE),
    "a space before, and an issuer": (b" " + LEAF + ISSUER, 1, NOT_ALONE),
    "all indented": (b"\n".join(b"  " + line for line in LEAF.splitlines()), 1, NOT_ALONE),
    "quoted": (b"> " + LEAF.replace(b"\n", b"\n> "), 1, NOT_ALONE),
    "words before the end": (LEAF.replace(b"-----END", b"x -----END"), JOINED, NOT_ALONE),
    "four hyphens": (LEAF.replace(b"-----BEGIN", b"----BEGIN"), 1, DASHES),
    "four hyphens at the end": (LEAF.replace(b"E-----\n", b"E----\n"), 1, DASHES),
    "a dash of a word processor": (LEAF.replace(b"--", b"\xe2\x80\x93"), 1, DASHES),
    "small letters": (LEAF.replace(b"BEGIN CERT", b"begin cert"), 1, DASHES),
    "line ends of CR": (LEAF.replace(b"\n", b"\r"), 1, "carriage return only"),
    "on one line": (LEAF.replace(b"\n", b""), 1, NO_LINES),
    "all on one line": ((LEAF + ISSUER).replace(b"\n", b" "), 1, NO_LINES),
    "line ends as in JSON": ((LEAF + ISSUER).replace(b"\n", b"\\n"), 1, NO_LINES),
    "one line behind words": (b"own\n" + LEAF.replace(b"\n", b"") + b"\n", 2, NO_LINES),
    "half": (LEAF[:300], 1, CUT_OFF),
    "no end": (LEAF[: LEAF.index(b"-----END")], 1, CUT_OFF),
    "half an issuer": (LEAF + ISSUER[:300], JOINED + 1, CUT_OFF),
    "another begins inside": (LEAF[:300] + b"\n" + ISSUER, 7, "has no end before it"),
    "no base64": (LEAF.replace(b"MI", b"M!", 1), 2, "not base64"),
    "an ellipsis": (LEAF[:200] + b"\n...\n" + LEAF[300:], 5, "not base64"),
    "empty lines": (LEAF.replace(b"\n", b"\n\n"), 4, "an empty line in the block"),
    "a null byte": (LEAF.replace(b"MI", b"\0MI", 1), 2, "not base64"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_line_is_named_at_which_openssl_stops(tmp_path: Path, what: str) -> None:
    content, line, cause = REFUSED[what]
    certificate, key, other = (tmp_path / name for name in ("c.pem", "k.pem", "other.crt"))
    certificate.write_bytes(content)
    key.write_bytes(KEY)
    other.write_bytes(LEAF)
    with pytest.raises(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    said = f"cannot be read on line {line}: "
    with pytest.raises(BadCertificate, match=re.escape(said) + f".*{re.escape(cause)}") as caught:
        load_certificate(certificate, key)
    assert not caught.value.about_key
    with pytest.raises(BadCertificate, match=re.escape("c.pem") + f"(, which)? {said}"):
        load_folder(tmp_path)
    text = f"ssl:1:privateKey={key}:certKey={certificate}"
    with pytest.raises(BadEndpoint, match=re.escape(f"names certKey={certificate}, which {said}")):
        read_endpoint(None, text)
    text = f"ssl:1:privateKey={key}:certKey={other}:extraCertChain={certificate}"
    with pytest.raises(BadEndpoint, match=re.escape(f"extraCertChain={certificate}, which {said}")):
        read_endpoint(None, text)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b" " + KEY, 1),
        (KEY.replace(b"\n", b"\r"), 1),
        (KEY[:100], 1),
        (LEAF.rstrip() + KEY, JOINED),
        (b"\n\nkey: " + KEY, 3),
        (KEY.replace(b"MI", b"?MI", 1), 2),
    ],
    ids=["space", "CR", "half", "joined", "words", "no base64"],
)
def test_the_line_is_named_in_a_key_too(tmp_path: Path, content: bytes, line: int) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"-- begin here\n" + LEAF)
    key.write_bytes(content)
    with pytest.raises(BadCertificate, match=f"cannot be read on line {line}: ") as caught:
        load_certificate(certificate, key)
    assert caught.value.about_key


@pytest.mark.parametrize("data", [b"AAAA", b"MAA="], ids=["no DER", "an empty sequence"])
def test_a_damaged_certificate_is_named_by_its_line(tmp_path: Path, data: bytes) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    damaged = b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % data
    certificate.write_bytes(LEAF + damaged)
    key.write_bytes(KEY)
    with pytest.raises(BadCertificate, match=f"a damaged certificate on line {JOINED + 1}"):
        load_certificate(certificate, key)


MOST_TAKEN = 5
PIECES = [b" ", b"\n", b"\r", b"-", b"-----", b"-----BEGIN CERTIFICATE-----\n", b":", b"=", b"#"]


def damaged(chance: random.Random, pem: bytes) -> bytes:
    line = pem.index(b"\n", chance.randrange(len(pem) - 9))
    at = chance.choice([chance.randrange(len(pem)), line, line + 1])
    if chance.choice([True, False]):
        return pem[:at] + chance.choice(PIECES) + pem[at:]
    return pem[:at] + pem[at + chance.randint(1, 40) :]


def test_no_damage_of_a_certificate_is_blamed_on_its_key(tmp_path: Path) -> None:
    """And nothing is refused that OpenSSL takes."""
    chance = random.Random(5)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    key.write_bytes(KEY)
    outcomes = set()
    taken = 0
    for _ in range(200):
        certificate.write_bytes(damaged(chance, LEAF + ISSUER))
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            taken += 1
            is_read = True
            if taken > MOST_TAKEN:
                continue
        except ssl.SSLError as error:
            # An issuer is left, or other bytes of the key.
            if error.reason == "KEY_VALUES_MISMATCH":
                continue
            is_read = False
        try:
            load_certificate(certificate, key)
            outcomes.add((is_read, "taken"))
        except BadCertificate as error:
            outcomes.add((is_read, "key" if error.about_key else str(error).split()[0]))
    assert (True, "taken") in outcomes
    assert (False, "cannot") in outcomes
    assert {said for is_read, said in outcomes if not is_read} <= {"cannot", "has"}
    assert {said for is_read, said in outcomes if is_read} <= {"taken", "would", "says"}
