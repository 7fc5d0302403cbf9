"""HTTP answers: where they end, what bounds them, and what is no answer."""

import pytest

from vaultrelay.wire.answer import Answer, AnswerReader, NoAnswer, NotHttp

BODY_BYTES = 1000
UPGRADE = {"Host": "a", "Upgrade": "websocket", "Connection": "Upgrade"}
OK = b"HTTP/1.1 200 OK\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def reader(**headers: str) -> AnswerReader:
    return AnswerReader("/health", {"Host": "a", **headers}, BODY_BYTES)


def read(*pieces: bytes, upgrade: bool = False) -> Answer | None:
    """The answer as soon as it is complete."""
    reading = reader(**UPGRADE) if upgrade else reader()
    return next((answer for piece in pieces if (answer := reading.feed(piece))), None)


def test_the_request_is_a_get() -> None:
    assert reader().request == b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((OK + b"\r\nto the ", b"end", b""), b"to the end"),
        ((OK + b"Content-Length: 99\r\n\r\ncut", b""), b"cut"),
        ((OK + b"Content-Length: 3\r\n\r\nall", b""), b"all"),
        ((b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nlate", b""), b"late"),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\n", OK + b"\r\nlate", b""), b"late"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",), b"a"),
        ((OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n",), b"a"),
        ((OK + b"\r\n" + bytes(5 * BODY_BYTES),), bytes(BODY_BYTES)),
        ((OK + b"\r\n", bytes(BODY_BYTES - 1), b"\0"), bytes(BODY_BYTES)),
    ],
    ids=["endless", "cut", "whole", "continued", "hints", "chunked", "broken", "huge", "limit"],
)
def test_a_body_has_an_end(pieces: tuple[bytes, ...], body: bytes) -> None:
    answer = read(*pieces)
    assert answer is not None
    assert (answer.status, answer.body) == (200, body)


def test_an_answer_may_come_byte_by_byte() -> None:
    whole = OK + b"X-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nab"
    *first, last = (whole[place : place + 1] for place in range(len(whole)))
    reading = reader()
    assert not any(map(reading.feed, first))
    answer = reading.feed(last)
    assert answer is not None
    assert (answer.header("x-a"), answer.header("x-b"), answer.body) == ("1", "", b"ab")


def test_an_upgrade_is_an_answer() -> None:
    answer = read(SWITCH + b"\x82\x00", upgrade=True)
    assert answer is not None
    assert answer.status == 101


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        (
            (bytes(3) + b"\x04" + bytes(5),),
            "The server speaks HTTP/2, but a relay needs",
        ),
        ((bytes(3), b"\x07" + bytes(13)), "The server speaks HTTP/2"),
        ((b"\x15\x03",), "This port speaks TLS: change ws:// in"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "The server does not speak HTTP"),
        ((b"220 ok", b""), "The server does not speak HTTP"),
        ((OK, b""), "The server does not speak HTTP"),
        ((b"HTTP/1.1 " + b"9" * 99 + b"\r\n\r\n",), "The server does not speak"),
        ((SWITCH,), "The server does not speak HTTP"),
        ((OK + b"A: b\r\n" * BODY_BYTES,), "The server sends an endless HTTP head"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n",) * BODY_BYTES, "The server sends an end"),
    ],
    ids=[
        "settings",
        "goaway",
        "tls",
        "ssh",
        "smtp",
        "cut",
        "status",
        "switch",
        "endless",
        "continue",
    ],
)
def test_what_is_no_answer_is_refused(pieces: tuple[bytes, ...], fault: str) -> None:
    with pytest.raises(NotHttp) as failed:
        read(*pieces)
    assert str(failed.value).startswith(fault)


def test_a_connection_that_ends_at_once_has_no_answer() -> None:
    with pytest.raises(NoAnswer):
        read(b"")
