"""One GET over Twisted, from servers of every kind."""

import ssl
from pathlib import Path

import pytest
import pytest_twisted

from tests.authority import issue, write_pair
from tests.commands.checkup.servers import answering, page
from vaultrelay.commands.checkup import http
from vaultrelay.wire.answer import Answer, NoAnswer, NotHttp
from vaultrelay.wire.relay_url import RelayUrl


async def asked(port: int, scheme: str = "ws") -> Answer:
    from twisted.internet import reactor

    url = RelayUrl.read(f"{scheme}://any:s3cret@localhost:{port}")
    return (await http.http_get(reactor, url, "/address"))[0]


@pytest_twisted.ensureDeferred
async def test_an_answer_has_status_headers_body_and_both_ends() -> None:
    from twisted.internet import reactor

    with answering(page("404 Not Found", "X-A: 1", body="nothing")) as port:
        url = RelayUrl.read(f"ws://localhost:{port}")
        answer, connection = await http.http_get(reactor, url, "/")
    assert (answer.status, answer.header("x-a"), answer.body) == (404, "1", b"nothing")
    assert str(connection.local) == str(connection.remote) == "127.0.0.1"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (bytes(3) + b"\x04" + bytes(5), "The server speaks HTTP/2, but a relay needs"),
        (b"\0\0\x08\x07" + bytes(13), "The server speaks HTTP/2"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "This port speaks TLS: change ws:// in"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "The server does not speak HTTP"),
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
        pytest.raises(NoAnswer),
    ):
        await asked(port)


@pytest_twisted.ensureDeferred
async def test_a_certificate_is_verified_before_a_token_is_sent(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_pair(tmp_path, issue(["localhost"])))
    with answering(page("200 OK"), context) as port, pytest.raises(ssl.SSLCertVerificationError):
        await asked(port, "wss")
