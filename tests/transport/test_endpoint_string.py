"""Endpoint strings: which are taken, what they serve, and what is said of the others."""

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from tests.authority import issue, write_pair
from tests.transport.endpoint_strings import ADDRESS, refusal_of, take
from vaultrelay.policy.limits.pending import LISTEN_BACKLOG, UNIX_PATH_BYTES
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.transport.unix_path import UnixPath


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
