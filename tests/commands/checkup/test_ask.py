"""One request and its answer, from servers of every kind."""

import ssl
from pathlib import Path

import pytest
import pytest_twisted

from tests.authority import issue, write_pair
from tests.commands.checkup.servers import answering, page
from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup import ask
from vaultrelay.commands.checkup.http import Answer, NotHttp
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import CHANNEL_BYTES


async def asked(port: int, scheme: str = "ws", **headers: str) -> Answer:
    from twisted.internet import reactor

    url = RelayUrl.read(f"{scheme}://any:s3cret@localhost:{port}")
    return await ask.ask(reactor, url, "/address", headers)


def test_an_upgrade_names_a_channel_as_a_device_does() -> None:
    """Else HAProxy in front of several relays would complain of that, and not of what is wrong."""
    assert base64url.decode(ask.UPGRADE["X-VaultMesh-Channel"], CHANNEL_BYTES)


@pytest_twisted.ensureDeferred
async def test_an_answer_has_status_headers_body_and_both_ends() -> None:
    with answering(page("404 Not Found", "X-A: 1", "x-a: 2", body="nothing")) as port:
        answer = await asked(port)
    assert (answer.status, answer.body) == (404, b"nothing")
    assert (answer.header("x-a"), answer.header("x-b")) == ("1", "")
    assert str(answer.here) == str(answer.there) == "127.0.0.1"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ncut", b"cut"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nlate", b"late"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2 * ask.BODY_BYTES), bytes(ask.BODY_BYTES)),
    ],
    ids=["endless", "cut", "continued", "chunked", "huge"],
)
@pytest_twisted.ensureDeferred
async def test_a_body_ends_somehow(sent: bytes, body: bytes) -> None:
    with answering(sent) as port:
        answer = await asked(port)
    assert (answer.status, answer.body) == (200, body)


@pytest_twisted.ensureDeferred
async def test_an_upgrade_is_an_answer() -> None:
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    with answering(switch + b"\x82\x00") as port:
        answer = await asked(port, **ask.UPGRADE)
    assert answer.status == 101


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (bytes(3) + b"\x04" + bytes(5), "HTTP/2 answers here, and WebSockets need HTTP/1.1"),
        (b"\0\0\x08\x07" + bytes(13), "HTTP/2 answers here"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "This port speaks TLS. The URL begins with wss://."),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "Something answers here that does not speak HTTP"),
    ],
    ids=["settings", "goaway", "tls", "ssh"],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_http_is_told(sent: bytes, said: str) -> None:
    with answering(sent) as port, pytest.raises(NotHttp) as failed:
        await asked(port)
    assert str(failed.value).startswith(said)


@pytest_twisted.ensureDeferred
async def test_who_hangs_up_without_a_word_has_not_answered() -> None:
    with (
        answering(b"") as port,
        pytest.raises(Exception, match="Connection to the other side was lost"),
    ):
        await asked(port)


@pytest_twisted.ensureDeferred
async def test_a_certificate_is_verified_before_a_token_is_sent(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_pair(tmp_path, issue(["localhost"])))
    with answering(page("200 OK"), context) as port, pytest.raises(ssl.SSLCertVerificationError):
        await asked(port, "wss")
