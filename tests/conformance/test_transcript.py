"""The transcript of a case: who sent what, in words, and no more than its bounds."""

import pytest
from twisted.internet.task import Clock

from tests.frames import client_frame
from vaultrelay.conformance.frames import BINARY, CLOSE, PING, TEXT, fragments, frame, server_frames
from vaultrelay.conformance.limits import MAX_TRANSCRIPT_CHARS, MAX_TRANSCRIPT_LINES
from vaultrelay.conformance.transcript import Transcript
from vaultrelay.conformance.words import head_in_words, sent_in_words


def test_a_line_has_the_time_since_the_begin() -> None:
    clock = Clock()
    clock.advance(100)
    transcript = Transcript(clock.seconds)
    clock.advance(1.25)
    transcript.command({"do": "clock", "advance": 2})
    transcript.answer({"do": "clock", "advance": 2}, {})
    assert transcript.lines == (
        '  1.250  command   {"do": "clock", "advance": 2}',
        "  1.250  answer    {}",
    )


def test_requests_without_an_event_are_left_out() -> None:
    transcript, ask = Transcript(Clock().seconds), {"do": "events"}
    transcript.command(ask)
    transcript.answer(ask, {"events": []})
    assert not transcript.lines
    transcript.answer(ask, {"events": [{"event": "ended", "retry": None}]})
    assert transcript.lines[0].endswith('"retry": null}]}')


def test_it_is_bounded() -> None:
    transcript = Transcript(Clock().seconds)
    for _ in range(MAX_TRANSCRIPT_LINES + 5):
        transcript.record("client 1", "\x1b[2J" + 10_000 * "x")
    first, *lines = transcript.lines
    assert first == "(5 earlier lines)"
    assert len(lines) == MAX_TRANSCRIPT_LINES
    assert all(len(line) < MAX_TRANSCRIPT_CHARS + 30 and line.isprintable() for line in lines)


def test_words_are_made_for_a_report_only() -> None:
    transcript, made = Transcript(Clock().seconds), []

    def words() -> str:
        made.append("words")
        return "words"

    transcript.record("relay 1", words)
    assert not made
    assert transcript.lines == ("  0.000  relay 1   words",)


def test_an_answer_is_as_it_came_whatever_becomes_of_its_events() -> None:
    transcript, event = Transcript(Clock().seconds), {"client": "a", "event": "ended"}
    transcript.answer({"do": "events"}, {"events": [event]})
    event.clear()
    assert '"event": "ended"' in transcript.lines[0]


def test_nothing_is_added_after_the_end() -> None:
    transcript = Transcript(Clock().seconds)
    transcript.record("client 1", "before")
    transcript.end()
    transcript.record("client 1", "after")
    assert transcript.lines == ("  0.000  client 1  before",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(TEXT, b'{"type":"busy"}'), 'text {"type":"busy"}'),
        (frame(CLOSE, b"\x0f\xa0restart"), "close 4000 restart"),
        (frame(CLOSE, b""), "close without a code"),
        (frame(PING, b"kit"), "ping 6b6974"),
        (frame(BINARY, bytes(70_000)), f"binary {'00' * 32}... (70000 bytes)"),
        (
            fragments(TEXT, b"abcd", 4),
            "text a (begun); continuation 62 (begun); continuation 63 (begun); 1 more frames",
        ),
        (b"\x82\x7e\xff", "3 bytes that are no whole frame: 827eff"),
        (b"\xc1\x00", "2 bytes that are no whole frame: c100"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols | A: b",
        ),
    ],
    ids=("text", "close", "no code", "ping", "long", "fragments", "part", "reserved bit", "answer"),
)
def test_what_the_relay_sends_is_in_words(data: bytes, words: str) -> None:
    assert sent_in_words(data) == words


def test_masked_frames_are_none_of_a_server() -> None:
    data = client_frame(TEXT, b"abc")
    assert list(server_frames(data)) == [data]


def test_a_request_is_one_line() -> None:
    assert (
        head_in_words(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\nx") == "GET / HTTP/1.1 | Host: relay"
    )
