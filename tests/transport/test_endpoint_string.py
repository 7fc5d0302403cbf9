"""Endpoint strings: which are taken, what they serve, and what is said of the others."""

import re
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.testing import MemoryReactorClock

from tests.authority import NAME, issue, write_pair
from tests.transport.tls_client import lenient_context, shake
from vaultrelay.certificates.server_certificate import ServerCertificate
from vaultrelay.policy.limits.pending import LISTEN_BACKLOG, UNIX_PATH_BYTES
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.transport.unix_path import UnixPath

ADDRESS = "127.0.0.1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to be in, without a colon or an equals sign in its name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def take(text: str) -> Endpoint:
    """What the relay does with an endpoint string before it listens."""
    return read_endpoint(MemoryReactorClock(), text)


def pairs_of(text: str) -> tuple[ServerCertificate, ...]:
    """What a string with TLS would serve."""
    tls = take(text).tls
    assert tls is not None
    return tls.certificates


def first_served(text: str, name: str = NAME) -> bytes | None:
    """The certificate that a client gets who asks for `name`."""
    tls = take(text).tls
    assert tls is not None
    return shake(tls, lenient_context(), name).getpeercert(binary_form=True)


def refusal_of(text: str) -> str:
    with pytest.raises(BadEndpoint) as caught:
        take(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("tcp:8080", TcpAddress("", 8080, LISTEN_BACKLOG)),
        ("tcp:port=8080", TcpAddress("", 8080, LISTEN_BACKLOG)),
        ("tcp:0:interface=127.0.0.1:backlog=1024", TcpAddress(ADDRESS, 0, 1024)),
        (r"tcp:0:interface=\:\:1", TcpAddress("::1", 0, LISTEN_BACKLOG)),
        ("tcp:65535", TcpAddress("", 65535, LISTEN_BACKLOG)),
        ("TCP:8080", TcpAddress("", 8080, LISTEN_BACKLOG)),
        ("tcp6:8080", TcpAddress("::", 8080, LISTEN_BACKLOG)),
        (r"tcp6:8080:interface=\:\:1", TcpAddress("::1", 8080, LISTEN_BACKLOG)),
        ("tcp6:8080:interface=127.0.0.1", TcpAddress(ADDRESS, 8080, LISTEN_BACKLOG)),
        ("unix:/run/relay.sock", UnixPath("/run/relay.sock", 0o660, LISTEN_BACKLOG)),
        ("unix:/run/relay.sock:mode=600", UnixPath("/run/relay.sock", 0o600, LISTEN_BACKLOG)),
        ("unix:/run/relay.sock:660:100:0", UnixPath("/run/relay.sock", 0o660, 100, False)),
    ],
)
def test_a_string_without_tls_names_no_certificate(text: str, where: object) -> None:
    found = take(text)
    assert (found.where, found.tls, found.is_proxied) == (where, None, False)
    proxied = take(f"haproxy:{text}")
    assert (proxied.where, proxied.tls, proxied.is_proxied) == (where, None, True)
    assert found.unix_path == proxied.unix_path == getattr(where, "path", "")


@pytest.mark.parametrize(
    ("text", "everywhere", "here"),
    [
        ("tcp:80", "", ADDRESS),
        ("tcp6:80", "::", "::1"),
        ("ssl:80", "", ADDRESS),
        ("tls:.", "::", "::1"),
    ],
)
def test_without_an_interface_it_is_everywhere_or_on_this_machine(
    folder: Path, text: str, everywhere: str, here: str
) -> None:
    issued = issue()
    (folder / "server.pem").write_bytes(issued.pem + issued.key_pem)
    for on_loopback, host in ((False, everywhere), (True, here)):
        where: Any = read_endpoint(None, text, on_loopback).where
        assert where.host == host
        where = read_endpoint(None, f"{text}:interface=192.0.2.1", on_loopback).where
        assert where.host == "192.0.2.1"


def test_an_endpoint_of_another_kind_is_twisteds() -> None:
    assert IStreamServerEndpoint.providedBy(take("stdio:").where)


@pytest.mark.parametrize(
    "text",
    [
        "haproxy:stdio:",
        "haproxy:autobahn:tcp\\:80:url=ws\\://a",
        "haproxy:haproxy:tcp:80",
        "HAProxy:HAProxy:tcp:80",
        "haproxy:other:80",
    ],
)
def test_haproxy_is_refused_where_nobody_would_read_its_line(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line would be taken for HTTP, or a client's own line be believed."""

    def with_another(reactor: Any, text: str) -> Any:
        return object() if text.startswith("other:") else serverFromString(reactor, text)

    monkeypatch.setattr("twisted.internet.endpoints.serverFromString", with_another)
    assert refusal_of(text).startswith(
        "has haproxy: before a kind that is not one of tcp, tcp6, ssl, "
    )


def test_haproxy_is_no_part_of_what_it_stands_before(folder: Path) -> None:
    write_pair(folder, issue())
    text = "ssl:443:privateKey=privkey.pem:certKey=fullchain.pem"
    plain, proxied = take(text), take(f"haproxy:{text}")
    assert not plain.is_proxied
    assert proxied.is_proxied
    assert plain.tls is not None
    assert proxied.tls is not None


def test_port_backlog_and_interface_are_those_of_the_string() -> None:
    for text in ("tcp:8080:interface=127.0.0.1:backlog=7", "haproxy:tcp:8080:127.0.0.1:7"):
        assert take(text).where == TcpAddress(ADDRESS, 8080, 7)


@pytest.mark.parametrize(
    ("text", "backlog"),
    [
        ("unix:/run/devices", LISTEN_BACKLOG),
        ("unix:/run/devices:mode=660", LISTEN_BACKLOG),
        ("unix:/run/backlog:lockfile=0:mode=660", LISTEN_BACKLOG),
        ("unix:/run/devices:660:7", 7),
        ("unix:/run/devices:backlog=7", 7),
    ],
)
def test_a_unix_socket_has_the_relays_backlog_unless_it_says_another(
    text: str, backlog: int
) -> None:
    for each in (text, f"haproxy:{text}"):
        where: Any = take(each).where
        assert where.backlog == backlog


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("unix:/run/devices", 0o660),
        ("unix:address=/run/devices", 0o660),
        ("unix:/run/devices:backlog=7:lockfile=0", 0o660),
        ("unix:/run/with\\:colon", 0o660),
        ("unix:/run/devices:600", 0o600),
        ("unix:/run/devices:mode=0666", 0o666),
        ("unix:lockfile=0:mode=770:address=/run/devices", 0o770),
    ],
)
def test_a_unix_socket_is_for_the_relays_group_unless_it_says_otherwise(
    text: str, mode: int
) -> None:
    for each in (text, f"haproxy:{text}"):
        where: Any = take(each).where
        assert where.mode == mode


@pytest.mark.parametrize("mode", ["rw-", "8", "888", "1777", "0o660", "-660", "66", "6660"])
def test_a_mode_that_is_none_is_refused(mode: str) -> None:
    said = "needs a mode of three octal digits, such as mode=660"
    assert refusal_of(f"unix:/run/devices:mode={mode}") == said
    assert refusal_of(f"unix:/run/devices:{mode}") == said


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
    """A root is its own issuer: who follows issuers until there is none never ends."""
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


@pytest.mark.parametrize("text", ["TLS:empty", "HAPROXY:tcp:99999", "haproxy:TLS:empty"])
def test_capitals_do_not_get_a_string_past_the_checks(folder: Path, text: str) -> None:
    """Twisted takes some kinds in capitals."""
    (folder / "empty").mkdir()
    assert refusal_of(text)


@pytest.mark.parametrize(
    "port", ["99999", "65536", "-1", "http", "", "8080x", "1" * 5000, "00000099999", "٨٠"]
)
@pytest.mark.parametrize("before", ["tcp:", "tcp6:", "tcp:port=", "haproxy:tcp:", "ssl:"])
def test_a_port_is_a_number_that_there_is(before: str, port: str) -> None:
    assert refusal_of(before + port) == "needs a port from 0 to 65535"


WRITTEN_ELSEWHERE = {
    "8080": "tcp:8080",
    ":8080": "tcp:8080",
    "0.0.0.0:8080": "tcp:8080",
    "*:8080": "tcp:8080",
    "[::]:8080": "tcp6:8080",
    "127.0.0.1:8080": "tcp:8080:interface=127.0.0.1",
    "[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "localhost:8080": "tcp:8080:interface=127.0.0.1",
    "tcp://localhost:8080/": "tcp:8080:interface=127.0.0.1",
    "http://10.0.0.7:8080/": "tcp:8080:interface=10.0.0.7",
    "ws://[2001:db8::7]:80": r"tcp6:80:interface=2001\:db8\:\:7",
    "tcp://0.0.0.0:8080": "tcp:8080",
    "tcp:127.0.0.1:8080": "tcp:8080:interface=127.0.0.1",
    "tcp:[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "tcp6:[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "/run/relay.sock": "unix:/run/relay.sock",
    "haproxy:8080": "haproxy:tcp:8080",
    "haproxy:127.0.0.1:8080": "haproxy:tcp:8080:interface=127.0.0.1",
    "haproxy:tcp:[::1]:8080": r"haproxy:tcp6:8080:interface=\:\:1",
    "haproxy:/run/relay.sock": "haproxy:unix:/run/relay.sock",
}
"""Where to listen as other programs write it, and as an endpoint string."""


@pytest.mark.parametrize("text", WRITTEN_ELSEWHERE)
def test_what_is_written_as_elsewhere_is_told_as_it_is_here(text: str) -> None:
    instead = WRITTEN_ELSEWHERE[text]
    assert refusal_of(text).endswith(f"; write {instead}")
    assert take(instead).where


@pytest.mark.parametrize("text", ["tpc:8080", "nas.lan:8080", "", "on", "run/relay.sock"])
def test_what_could_be_anything_gets_an_example(text: str) -> None:
    assert refusal_of(text).endswith("; write it like tcp:8080 or unix:/run/relay.sock")


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("tcp6:8080:interface=::1", r"interface=\:\:1"),
        ("tcp6:8080:interface=::", r"interface=\:\:"),
        ("tcp:8080:interface=[::1]", r"interface=\:\:1"),
        ("tcp6:8080:interface=2001:db8::7:backlog=50", r"interface=2001\:db8\:\:7"),
        ("haproxy:tcp6:8080:interface=fe80::1%eth0", r"interface=fe80\:\:1%eth0"),
        ("tcp6:::1:8080", r"interface=\:\:1"),
        ("ssl:443:/a/key:/a/cert:interface=::1", r"interface=\:\:1"),
        (r"ssl:443:privateKey=C:\key.pem", r"privateKey=C\:\\key.pem"),
        ("tls:/run/tls:port=443:interface=::1", r"interface=\:\:1"),
        ("tls:/run/tls:interface=fe80::1", r"interface=fe80\:\:1"),
        ("haproxy:tls:/run/tls:interface=::", r"interface=\:\:"),
        ("tcp6:interface=::1:port=443", r"interface=\:\:1"),
        ("ssl:443:privateKey=key.pem:certKey=cert.pem:interface=::1", r"interface=\:\:1"),
        ("ssl:443:interface=2001:db8::7:privateKey=key.pem", r"interface=2001\:db8\:\:7"),
        ("unix:/run/a:b", r"/run/a\:b"),
        ("unix:/run/a:b:mode=660", r"/run/a\:b"),
    ],
)
def test_a_colon_in_a_value_is_told_to_take_a_backslash(text: str, example: str) -> None:
    said = refusal_of(text)
    assert said.endswith(f": a colon within a value needs a backslash before it, such as {example}")


@pytest.mark.parametrize(
    "text", ["tcp:80:port=90", r"tcp6:80:port=90:interface=\:\:1", "tcp:80:interface=0:port=90"]
)
def test_of_a_part_that_is_there_twice_no_colon_is_to_blame(text: str) -> None:
    assert refusal_of(text) == "has port twice"


@pytest.mark.parametrize("name", ["[", "(", "*", "a{9", "\\g", "i.terface"])
def test_a_part_of_any_name_is_told_what_is_taken(name: str) -> None:
    taken = "it accepts backlog, interface, port"
    said = refusal_of(f"tcp:80:{name}=1:interface=1")
    assert said == f"has a part that tcp: does not accept; {taken}"


def test_a_kind_alone_is_told_what_it_needs() -> None:
    said = {kind: refusal_of(kind) for kind in ("tcp", "ssl", "tls", "unix", "systemd")}
    assert said == {
        "tcp": "needs a port from 0 to 65535",
        "ssl": "needs a port from 0 to 65535",
        "tls": "has no folder of certificates; write it like tls:/etc/relay/certificates",
        "unix": "has no path; write it like unix:/run/relay.sock",
        "systemd": "needs either index= or name=, but not both",
    }


@pytest.mark.parametrize(
    "text",
    [
        "tcp:8080:interface=",
        "tcp:8080:",
        "tcp6:8080:interface=",
        "haproxy:tcp:8080:interface=:backlog=5",
        "tcp:8080:backlog=",
        "ssl:443:privateKey=:certKey=cert.pem",
        "ssl:443:key.pem:",
        "ssl:443:privateKey=key.pem:extraCertChain=",
        "tls:path=:port=443",
    ],
)
def test_an_empty_part_is_no_value(text: str) -> None:
    """For Twisted an empty interface is every one; a variable that is not set may be meant."""
    with pytest.raises(BadEndpoint, match=r"has an empty \w+; give it a value, or remove it$"):
        read_endpoint(None, text, on_loopback=True)


def test_the_path_of_a_unix_socket_is_as_long_as_the_system_takes(tmp_path: Path) -> None:
    longest = "/" + "é" * ((UNIX_PATH_BYTES - 1) // 2) + "x" * ((UNIX_PATH_BYTES - 1) % 2)
    assert take(f"unix:{longest}").where
    for text in (f"unix:{longest}x", f"unix:address={longest}x", f"haproxy:unix:{longest}x:660"):
        assert f"has a path of {UNIX_PATH_BYTES + 1} bytes" in refusal_of(text)
    with socket.socket(socket.AF_UNIX) as here, pytest.raises(OSError, match="too long"):
        here.bind(f"{longest}x")


@pytest.mark.parametrize("text", ["unix", "unix:", "unix::mode=660", "unix:address="])
def test_a_unix_socket_has_a_path(text: str) -> None:
    assert refusal_of(text) == "has no path; write it like unix:/run/relay.sock"


def test_localhost_is_of_the_family_that_is_named() -> None:
    """Looked up, it is the address of IPv4."""
    where: Any = take("tcp6:8080:interface=localhost").where
    assert where.host == "::1"


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
@pytest.mark.parametrize("before", [":", ":port="])
def test_the_port_of_a_tls_string_is_checked_too(folder: Path, before: str, port: str) -> None:
    issued = issue()
    (folder / "both.pem").write_bytes(issued.pem + issued.key_pem)
    assert refusal_of(f"tls:.{before}{port}") == "needs a port from 0 to 65535"


JARGON = re.compile(
    r"\(\)|positional|keyword|literal|codec|out of range|raised|attribute|unpack|embedded|parser"
)
"""Words of Python's, which tell an operator nothing."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "8080",
        "a=b",
        "carrier-pigeon:80",
        "tcp",
        "tcp:80\\",
        "tcp:80:colour=red",
        "tcp:80:backlog=many",
        "tcp:80:port=90",
        "tcp:80:couleur=é",
        "tcp:80:é=b",
        "unix",
        "unix:",
        "unix:mode=660",
        "unix:/run/x:mode=rw-",
        "unix:/run/x:mode=888",
        "unix:/run/x:mode=",
        "unix:/run/x:lockfile=2",
        "unix:/run/x:backlog=many",
        "unix:/run/x:660:50:1:more",
        "unix:/run/x\\",
        "systemd",
        "systemd:domain=INET",
        "systemd:domain=INET:index=0",
        "systemd:domain=INET:index=first",
        "systemd:domain=INET:name=relay",
        "haproxy",
        "haproxy:carrier-pigeon:80",
        "haproxy:tcp:80\\",
        "autobahn:tcp",
        "haproxy:stdio:",
        "haproxy:haproxy:tcp:80",
        "tls",
    ],
)
def test_a_bad_string_is_refused_in_words_that_a_person_understands(
    folder: Path, text: str
) -> None:
    said = refusal_of(text)
    assert not JARGON.search(said), said
    assert re.search(r"\w{3,} \w{2,}", said.partition("is not a server endpoint: ")[2] or said)
    assert "\n" not in said


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


KINDS = ["tcp", "tcp6", "ssl", "tls", "haproxy", "unix", "systemd", "stdio", "autobahn"]
NAMES = ["port", "path", "domain", "index", "name", "interface", "backlog", "mode", "sslmethod"]
FILES = ["privateKey", "certKey", "extraCertChain", "dhParameters"]
ODD = [":", "=", "\\", "80", "-1", "INET", "x", "é", "\0", " ", "\n", "\udc80"]
PIECES = st.one_of(*(st.sampled_from(pieces) for pieces in (KINDS, NAMES, FILES, ODD, ODD)))


@given(st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(":=\\tcp0\0é ", max_size=20)))
@example("tcp:80\\")
@example("a=b")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_string_raises_anything_else(folder: Path, text: str) -> None:
    try:
        take(text)
    except BadEndpoint as error:
        assert str(error)  # noqa: PT017  most are not bad in the same way


def test_an_ssl_string_takes_no_parameters_for_what_the_relay_does_not_use(folder: Path) -> None:
    write_pair(folder, issue())
    said = refusal_of("ssl:443:privateKey=privkey.pem:certKey=fullchain.pem:dhParameters=dh.pem")
    assert "remove it" in said
