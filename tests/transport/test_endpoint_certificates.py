"""The certificates of endpoint strings: the files of ssl:, and the folder of tls:."""

import re
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.authority import NAME, issue, write_pair
from tests.transport.endpoint_strings import first_served, pairs_of, refusal_of, take
from tests.transport.tls_client import shake
from vaultrelay.transport.endpoint_string import BadEndpoint


@pytest.mark.parametrize(
    "files",
    [
        "privateKey=privkey.pem:certKey=fullchain.pem",
        "certKey=fullchain.pem:privateKey=privkey.pem:interface=127.0.0.1",
        "privateKey=both.pem",
        "interface=127.0.0.1",
        "privkey.pem:fullchain.pem",
        "both.pem",
    ],
)
@pytest.mark.parametrize("before", ["ssl:443:", "haproxy:ssl:443:"])
def test_an_ssl_string_names_its_certificate(folder: Path, before: str, files: str) -> None:
    issued, default = issue(), issue()
    write_pair(folder, issued)
    (folder / "both.pem").write_bytes(issued.pem + issued.key_pem)
    (folder / "server.pem").write_bytes(default.pem + default.key_pem)
    assert first_served(before + files) == (issued if ".pem" in files else default).der


def test_an_ssl_string_says_which_file_is_bad(folder: Path) -> None:
    write_pair(folder, issue())
    start = "ssl:443:privateKey="
    missing = "cannot be read: no such file or directory"
    assert refusal_of(f"{start}x.pem:certKey=fullchain.pem") == (
        f"names privateKey=x.pem, which {missing}"
    )
    assert (
        refusal_of(f"{start}privkey.pem:certKey=x.pem") == f"names certKey=x.pem, which {missing}"
    )
    assert refusal_of("ssl:443") == f"names certKey=server.pem, which {missing}"


@pytest.mark.parametrize("before", ["", "haproxy:"])
@pytest.mark.parametrize(
    "options",
    [
        "privateKey=both.pem:sslmethod=TLSv1_METHOD",
        "sslmethod=",
        "both.pem:both.pem:TLSv1_2_METHOD",
    ],
)
def test_an_ssl_string_cannot_choose_other_versions(
    folder: Path, before: str, options: str
) -> None:
    issued = issue()
    for name in ("both.pem", "server.pem"):
        (folder / name).write_bytes(issued.pem + issued.key_pem)
    assert refusal_of(f"{before}ssl:443:{options}") == (
        "sets sslmethod, but the relay uses TLS 1.2 and 1.3; remove it"
    )


@pytest.mark.parametrize("text", ["tls:.", "tls:.:443", "tls:path=.:port=443", "haproxy:tls:."])
def test_a_tls_string_names_the_certificates_of_its_folder(folder: Path, text: str) -> None:
    (folder / "sub").mkdir()
    for path, name in (("b.pem", "b.example"), ("sub/a.pem", "a.example")):
        issued = issue([name])
        (folder / path).write_bytes(issued.pem + issued.key_pem)
    (folder / "notes.txt").write_text("no certificate")
    assert sorted(pair.names for pair in pairs_of(text)) == [("a.example",), ("b.example",)]


def test_a_tls_string_names_a_certificate_whose_key_is_in_another_file(folder: Path) -> None:
    """As ACME clients write them, and as Twisted serves them."""
    write_pair(folder, issue())
    assert [pair.names for pair in pairs_of("tls:.")] == [(NAME,)]


def test_a_tls_string_may_have_its_issuers_in_files_of_their_own(folder: Path) -> None:
    middle = issue((), subject="middle", authority=True, issuer=issue(subject="root"))
    own = issue(issuer=middle)
    (folder / "own.pem").write_bytes(own.pem + own.key_pem)
    (folder / "middle.pem").write_bytes(middle.pem)
    assert [pair.names for pair in pairs_of("tls:.")] == [(NAME,)]


def test_a_tls_string_with_a_root_among_its_issuers_is_done_with(folder: Path) -> None:
    """A root is its own issuer: a loop that follows issuers until there is none never ends."""
    root = issue((), subject="root", authority=True)
    own = issue(issuer=root)
    (folder / "own.pem").write_bytes(own.pem + own.key_pem)
    (folder / "root.pem").write_bytes(root.pem)
    with at_most(5):
        assert [pair.names for pair in pairs_of("tls:.")] == [(NAME,)]


class TooLongError(BaseException):
    """Nothing catches it."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends what would never end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls:empty", "has no .pem files with a certificate and its key"),
        ("tls:path=empty", "has no .pem files with a certificate and its key"),
        ("tls:missing", "cannot be read: no such file or directory"),
        ("tls:file.txt", "cannot be read: not a directory"),
    ],
)
def test_a_folder_without_certificates_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "empty").mkdir()
    (folder / "file.txt").write_text("")
    name = re.split("[:=]", text)[-1]
    assert refusal_of(text) == f"names the folder {name}, which {said}"


@pytest.mark.parametrize("content", ["certificate", "key", "another key", "garbage"])
def test_a_folder_that_would_serve_nobody_is_refused(folder: Path, content: str) -> None:
    issued, another = issue(), issue()
    (folder / "a.pem").write_bytes(
        {
            "certificate": issued.pem,
            "key": issued.key_pem,
            "another key": issued.pem + another.key_pem,
            "garbage": b"garbage",
        }[content]
    )
    assert refusal_of("tls:.")


@pytest.mark.parametrize("content", ["broken certificate", "encrypted key"])
def test_a_folder_with_a_file_that_twisted_stumbles_over_is_refused(
    folder: Path, content: str
) -> None:
    """Else the start ends in OpenSSL's own words, or waits for somebody to type a password."""
    own, other = issue(), issue()
    (folder / "own.pem").write_bytes(own.pem + own.key_pem)
    (folder / "stray.pem").write_bytes(
        {
            "broken certificate": b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            "encrypted key": other.encrypted_key_pem(b"secret"),
        }[content]
    )
    with pytest.raises(BadEndpoint, match=r"stray\.pem"):
        take("tls:.")


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
@pytest.mark.parametrize("before", [":", ":port="])
def test_the_port_of_a_tls_string_is_checked_too(folder: Path, before: str, port: str) -> None:
    issued = issue()
    (folder / "both.pem").write_bytes(issued.pem + issued.key_pem)
    assert refusal_of(f"tls:.{before}{port}") == "needs a port from 0 to 65535"


def test_issuers_may_stand_in_a_file_of_their_own(folder: Path) -> None:
    root = issue((), subject="root", authority=True)
    middle = issue((), subject="middle", authority=True, issuer=root)
    own = issue(issuer=middle)
    write_pair(folder, own)
    (folder / "middle.pem").write_bytes(middle.pem)
    text = "ssl:443:privateKey=privkey.pem:certKey=fullchain.pem:extraCertChain=middle.pem"
    tls = take(text).tls
    assert tls is not None
    assert shake(tls, ssl.create_default_context(cadata=root.pem.decode())).version()


def test_issuers_that_cannot_be_read_are_named(folder: Path) -> None:
    write_pair(folder, issue())
    said = refusal_of("ssl:443:privateKey=privkey.pem:certKey=fullchain.pem:extraCertChain=x.pem")
    assert said == "names extraCertChain=x.pem, which cannot be read: no such file or directory"


def test_an_ssl_string_takes_no_parameters_for_what_the_relay_does_not_use(folder: Path) -> None:
    write_pair(folder, issue())
    said = refusal_of("ssl:443:privateKey=privkey.pem:certKey=fullchain.pem:dhParameters=dh.pem")
    assert "remove it" in said
