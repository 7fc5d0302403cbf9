"""The request for a status: its form, and the result of every answer."""

import socket
import ssl
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.cluster.servers import page, serving
from tests.cluster.statuses import status
from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.status_request import request_status
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits.admin import NODE_STATUS_BYTES

SECONDS = 5
NO_STATUS = "the answer is not a status that this version can read"
NO_HTTP = "The server does not speak HTTP: is the port correct?"
ENDLESS = "The server sends an endless HTTP head: is the port correct?"


def answer_of(said: bytes | None, seconds: float = SECONDS) -> NodeAnswer:
    with serving(said) as (text, _):
        return request_status(NodeUrl.read(text), seconds)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest.mark.parametrize("path", ["", "/one/"])
def test_a_relay_is_asked_for_its_status(tmp_path: Path, kind: str, path: str) -> None:
    file = tmp_path / "admin.sock" if kind == "unix" else None
    with serving(page(status()), file) as (text, got):
        url = NodeUrl.read(text if file else text + path)
        assert request_status(url, SECONDS) == NodeAnswer(url, status())
    (request,) = got
    where = b"/one/status.json" if path and not file else b"/status.json"
    assert request.startswith(b"GET " + where + b" HTTP/1.1\r\n")
    assert b"\r\nHost: " in request


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "no answer: the connection was closed"),
        (b"SSH-2.0-OpenSSH_9\r\n", NO_HTTP),
        # A reader without a limit would read as many of these as come.
        (b"HTTP/1.1 100 Continue\r\n\r\n" * NODE_STATUS_BYTES, ENDLESS),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * NODE_STATUS_BYTES, ENDLESS),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", NO_STATUS),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", NO_STATUS),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * NODE_STATUS_BYTES + status().encode(), NO_STATUS),
        (
            b"HTTP/1.1 404 No\r\n\r\n{}",
            "/status.json is answered with 404: is it a relay's admin endpoint?",
        ),
        (
            b"HTTP/1.1 421 Misdirected Request\r\n\r\n{}",
            "it does not answer to 127.0.0.1: use an IP address, or add --admin-host there",
        ),
        (
            b"HTTP/1.1 301 To\r\nLocation: http://elsewhere/\r\n\r\n",
            "/status.json is answered with 301: is it a relay's admin endpoint?",
        ),
    ],
)
def test_what_is_no_status_is_told(said: bytes, why: str) -> None:
    answer = answer_of(said)
    assert (answer.status, answer.why) == (None, why)


def test_who_is_silent_is_told() -> None:
    assert answer_of(None, 0.1).why == "no answer within 0.1 s"


def test_who_drips_is_told() -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\n{}", drip_seconds=0.1) as (text, _):
        assert request_status(NodeUrl.read(text), 0.3).why == "no answer within 0.3 s"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("unix:/nowhere/admin.sock", "no answer: no such file or directory"),
        ("http://" + "a" * 70, "no answer: this is not a host name"),
    ],
)
def test_nobody_there_is_told(text: str, why: str) -> None:
    assert request_status(NodeUrl.read(text), SECONDS).why == why


def test_a_closed_port_is_told() -> None:
    with serving(b"") as (text, _):
        pass
    assert request_status(NodeUrl.read(text), SECONDS).why == "no answer: connection refused"


def test_tls_that_is_none_is_told() -> None:
    with serving(b"HTTP/1.1 400 No\r\n\r\n") as (text, _):
        answer = request_status(NodeUrl.read(text.replace("http", "https")), SECONDS)
    assert answer.why.startswith("TLS fails: wrong version number. This port speaks ws:// (HTTP)")


def test_a_certificate_that_nobody_trusts_is_told(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*write_pair(tmp_path, issue(["localhost"])))
    with serving(b"", tls=tls) as (text, _):
        answer = request_status(NodeUrl.read(text.replace("http", "https")), SECONDS)
    assert answer.why == "its certificate is refused: self-signed certificate"


def test_a_system_without_unix_sockets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    answer = request_status(NodeUrl.read("unix:/a"), SECONDS)
    assert answer.why == "no answer: this system has no unix sockets"


def test_who_is_late_has_no_status() -> None:
    url = NodeUrl.read("http://a")
    assert late(url, 1) == NodeAnswer(url, None, "no answer within 1 s")
