"""Reaching a relay: what is said of each way in which that can fail."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.authority import issue, write_pair
from vaultrelay.commands import reachability
from vaultrelay.commands.reachability import Unreachable, probe_url
from vaultrelay.wire.relay_url import RelayUrl

HEALTH = b'HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{"status":"ok","version":"1.0.0\\n"}'

Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answers each connection with these bytes; the port. `asked` gets what came."""
    with ExitStack() as stack:

        def start(
            answer: bytes | None,
            tls: tuple[Path, Path] | None = None,
            asked: list[bytes] | None = None,
        ) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if tls is not None:
                context.load_cert_chain(*tls)

            def run() -> None:
                with suppress(OSError):
                    while True:
                        peer = listener.accept()[0]
                        with peer, suppress(OSError):
                            talk(context.wrap_socket(peer, server_side=True) if tls else peer)

            def talk(peer: socket.socket) -> None:
                with peer:
                    came = peer.recv(4096)
                    if asked is not None:
                        asked.append(came)
                    if answer is None:
                        peer.recv(1)
                    else:
                        peer.sendall(answer)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            port: int = listener.getsockname()[1]
            return port

        yield start


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that every name has; connections go to this machine all the same."""
    addresses = ["127.0.0.1"]
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if "type" in kwargs:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (it, port)) for it in addresses]
        return real("127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return addresses


def refusal(url: str, seconds: float = 10) -> str:
    with pytest.raises(Unreachable) as caught:
        probe_url(RelayUrl.read(url), seconds)
    return str(caught.value)


def test_a_relay_at_a_public_address_is_reached(serve: Serve, found: list[str]) -> None:
    found[:] = ["10.0.0.1", "1.1.1.1"]
    asked: list[bytes] = []
    port = serve(HEALTH, asked=asked)
    said = probe_url(RelayUrl.read(f"ws://relay.example:{port}/v3"))
    assert said == "A relay of version 1.0.0\\n answers there, seen from this machine."
    assert asked[0].startswith(b"GET /health HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        (["127.0.0.1", "::1"], "an address of this machine, which no other can reach."),
        (
            ["192.168.1.2", "fe80::1%eth0"],
            "an address of a private network, which only devices in that network can reach.",
        ),
    ],
    ids=["loopback", "private"],
)
def test_an_address_that_is_not_reached_from_everywhere(
    serve: Serve, found: list[str], addresses: list[str], said: str
) -> None:
    found[:] = addresses
    url = f"ws://relay.example:{serve(HEALTH)}"
    assert refusal(url) == f"it answers, but relay.example is {said}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"SSH-2.0-x\r\n", "The server does not speak HTTP: is the port correct?"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "This port speaks TLS: change ws:// in"),
        (b"", "no answer: the connection was closed. Does the URL begin"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "an endless HTTP head"),
    ],
    ids=["ssh", "TLS", "nothing", "endless"],
)
def test_what_speaks_no_http_is_told(serve: Serve, answer: bytes, said: str) -> None:
    assert said in refusal(f"ws://127.0.0.1:{serve(answer)}")


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (
            "404 Not Found",
            "",
            '{"version":"1"}',
            "A server in front of the relay answers 404 Not Fo",
        ),
        ("404 Not Found", "Server: nginx", "<html>", "nginx answers 404 Not Found instead of the"),
        (
            "404 Not Found",
            "Server: nginx",
            "<html>",
            "No relay has this path: is the path correct, ",
        ),
        ("200 OK", "", '{"version":1}', "The URL is that of a website, or this network require"),
        ("200 OK", "", "[]", "answers 200 OK instead of the relay. The URL is that of a web"),
        ("200 OK", "Content-Type: text/html", "<html>", "200 OK with a web page instead of the"),
        ("502 Bad Gateway", "", "<html>", "The proxy does not reach the relay behind it: is t"),
        ("503 Service Unavailable", "", "", "The proxy does not reach the relay behind it: is t"),
        ("504 Gateway Timeout", "", "", "The proxy does not reach the relay behind it: is the r"),
        ("400 Bad Request", "", "plain HTTP request", "does it speak TLS if the URL begins with w"),
        ("403 Forbidden", "", "", "look for an access rule or a firewall there."),
        ("401 Unauthorized", "", "", "401 Unauthorized, and it is not the relay."),
        ("511 Network Authentication Required", "", "", "This network requires a login first"),
        (
            "302 Found",
            "Location: http://login.test/?u=x",
            "",
            "redirects to http://login.test/, and",
        ),
        ("301 Moved", "Location: https://a.test/health", "", "URL, such as wss://a.test."),
        (
            "503 Service Unavailable",
            "",
            '{"error":"no_relay","detail":"None runs."}',
            "a relay answers there, but refuses the connection with 503 no_relay: None runs.",
        ),
        (
            "429 Too Many Requests",
            "",
            '{"error":"rate_limited","detail":"Too many."}',
            "a relay answers there, but refuses the connection with 429 rate_limited: Too many.",
        ),
        (
            "404 Not Found",
            "",
            '{"error":"not_found","detail":"There is nothing at this path."}',
            "a relay answers there, but has nothing below the path /relay of the URL. Leave the",
        ),
    ],
)
def test_what_answers_in_place_of_the_page_is_told_with_the_cure(
    serve: Serve, status: str, headers: str, body: str, said: str
) -> None:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *filter(None, [headers]),
        "",
        body,
    ]
    port = serve("\r\n".join(lines).encode())
    assert said in refusal(f"ws://127.0.0.1:{port}/relay")


def test_nobody_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert f"port {port} of 127.0.0.1: no answer: connection refused. Is" in refusal(
            f"ws://127.0.0.1:{port}"
        )


def test_an_answer_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    port = serve(None)
    assert refusal(f"ws://127.0.0.1:{port}", 0.1).endswith((" within 0.1 s.", "through?"))


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert refusal("ws://relay.example").startswith("no address is known for relay.example.")


def test_a_certificate_that_devices_refuse(serve: Serve, tmp_path: Path) -> None:
    port = serve(HEALTH, tls=write_pair(tmp_path, issue(["127.0.0.1"])))
    assert refusal(f"wss://127.0.0.1:{port}").startswith(
        f"port {port} of 127.0.0.1: its certificate is refused: self"
    )


def test_a_port_without_tls(serve: Serve) -> None:
    port = serve(HEALTH)
    assert refusal(f"wss://127.0.0.1:{port}").startswith(
        f"port {port} of 127.0.0.1: TLS fails: wrong version number. This port speaks ws:// "
    )


def test_the_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(url: RelayUrl, seconds: float) -> str:
        released.wait(10)
        return ""

    monkeypatch.setattr(reachability, "_probe", hang)
    try:
        assert refusal("ws://a:1", 0.01) == "a:1 did not answer within 0.01 s."
    finally:
        released.set()


def test_json_is_read_with_care(serve: Serve) -> None:
    body = json.dumps({"version": "1.0.0\x1b[2J"}).encode()
    port = serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert "\x1b" not in refusal(f"ws://127.0.0.1:{port}")
