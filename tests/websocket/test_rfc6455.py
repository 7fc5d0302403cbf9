"""RFC 6455, case by case, on a device that has joined: what is sent, in which pieces, what comes.

The cases are those of the Autobahn|Testsuite as far as they touch a relay of binary messages: what
an echo server would send back is delivered to a peer here, and text is a control message, which
the relay answers. `make conformance` runs the suite itself, against the frame layer alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    client_frame,
    close_frame,
)
from tests.memory import Relay
from vaultrelay.policy.limits.floods import CONTROLS_BURST, FRAGMENTS_PER_MESSAGE
from vaultrelay.policy.limits.session import SessionLimits
from vaultrelay.wire.data import EVERYONE, pack_data

MESSAGE_BYTES = 70_000
ME = 1
"""The session number of the device that sends."""
ANSWER = b'{"type":"keepalive","ping_seconds":60}'
EDGE = 300
"""Bytes at the ends of a long frame that come alone."""
PROTOCOL_ERROR, BAD_TEXT, BAD_MESSAGE, TOO_BIG, RATE = 1002, 1007, 4501, 4502, 4005


@dataclass
class Case:
    """Frames that a device sends, and all that must come of them."""

    name: str
    sent: list[bytes]
    delivered: list[bytes] = field(default_factory=list)
    answers: list[Frame] = field(default_factory=list)
    closed: int | None = None


def data(payload: bytes = b"ciphertext", id: int = 1) -> bytes:
    """A message to all peers."""
    return pack_data(EVERYONE, ME, id, payload)


def text(note: bytes = b"") -> bytes:
    """A control message that the relay answers with ANSWER, a note of any bytes in it."""
    return b'{"note":"' + note + b'","type":"keepalive","ping_seconds":60}'


def fragments(opcode: int, payload: bytes, *cuts: int) -> list[bytes]:
    """A message cut where told."""
    bounds = [0, *cuts, len(payload)]
    last = len(bounds) - 2
    return [
        client_frame(
            CONTINUATION if index else opcode,
            payload[bounds[index] : bounds[index + 1]],
            fin=index == last,
        )
        for index in range(last + 1)
    ]


def pong(payload: bytes = b"") -> Frame:
    return Frame(PONG, True, payload)


ANSWERED = [Frame(TEXT, True, ANSWER)]


def framing() -> Iterator[Case]:
    """Group 1: messages of every kind of length; no length but the shortest spelling."""
    for size in (0, 1, 109, 110, 111, 112, 65519, 65520, MESSAGE_BYTES - 16):
        message = data(bytes(index % 251 for index in range(size)))
        yield Case(f"binary of {len(message)}", [client_frame(BINARY, message)], [message])
    for size in (60, 125, 126, 127, 128, 4096):
        control = text(b"x" * (size - len(text())))
        yield Case(f"text of {size}", [client_frame(TEXT, control)], answers=ANSWERED)
    message = data()
    yield Case(
        "a masking key of zeros",
        [bytes([0x82, 0x80 | len(message), 0, 0, 0, 0]) + message],
        [message],
    )
    yield Case("not masked", [client_frame(BINARY, data(), masked=False)], closed=PROTOCOL_ERROR)
    yield Case("text not masked", [client_frame(TEXT, text(), masked=False)], closed=PROTOCOL_ERROR)
    yield Case("ping not masked", [client_frame(PING, b"", masked=False)], closed=PROTOCOL_ERROR)
    for spelled in ("82fe 0010", "82fe 007d", "82ff 0000000000000010", "82ff 000000000000ffff"):
        head = bytes.fromhex(spelled + "00000000")
        yield Case(f"a size spelled too long: {spelled}", [head], closed=PROTOCOL_ERROR)
    for spelled in ("8000000000000000", "ffffffffffffffff"):
        head = bytes.fromhex("82ff" + spelled + "00000000")
        yield Case(f"a size of more than 63 bits: {spelled}", [head], closed=PROTOCOL_ERROR)


def pings() -> Iterator[Case]:
    """Group 2."""
    for size in (0, 1, 124, 125):
        payload = bytes(range(size))
        yield Case(f"ping of {size}", [client_frame(PING, payload)], answers=[pong(payload)])
    yield Case(
        "ping of what is no text",
        [client_frame(PING, b"\0\xff\xfe")],
        answers=[pong(b"\0\xff\xfe")],
    )
    for opcode in (PING, PONG):
        yield Case(
            f"control frame {opcode} of 126",
            [client_frame(opcode, bytes(126))],
            closed=PROTOCOL_ERROR,
        )
    yield Case("a pong that nobody asked for", [client_frame(PONG, b"unasked")])
    yield Case(
        "that and a ping",
        [client_frame(PONG, b"unasked"), client_frame(PING, b"asked")],
        answers=[pong(b"asked")],
    )
    yield Case(
        "ten pings",
        [client_frame(PING, bytes([number])) for number in range(10)],
        answers=[pong(bytes([number])) for number in range(10)],
    )


def reserved() -> Iterator[Case]:
    """Groups 3 and 4: reserved bits and opcodes, alone and behind what is good."""
    good, message = client_frame(BINARY, data()), data()
    for rsv in range(1, 8):
        for opcode, payload in (
            (BINARY, data()),
            (TEXT, text()),
            (PING, b"x"),
            (CLOSE, b"\x03\xe8"),
        ):
            bad = client_frame(opcode, payload, rsv=rsv)
            yield Case(f"reserved bits {rsv} on {opcode}", [bad], closed=PROTOCOL_ERROR)
        yield Case(
            f"reserved bits {rsv} between messages",
            [good, client_frame(BINARY, data(), rsv=rsv), good],
            [message],
            closed=PROTOCOL_ERROR,
        )
    for opcode in (*range(3, 8), *range(11, 16)):
        for payload in (b"", b"payload"):
            bad = client_frame(opcode, payload)
            yield Case(f"opcode {opcode}, {payload!r}", [bad], closed=PROTOCOL_ERROR)
        yield Case(
            f"opcode {opcode} between messages",
            [good, client_frame(opcode), client_frame(PING), good],
            [message],
            closed=PROTOCOL_ERROR,
        )


def fragmentation() -> Iterator[Case]:
    """Group 5."""
    message = data(b"0123456789")
    ping, cut = client_frame(PING, b"p"), fragments(BINARY, message, 8, 20)
    control = fragments(TEXT, text(b"note"), 5)
    for opcode in (PING, PONG):
        parts = fragments(opcode, b"halves", 3)
        yield Case(f"control frame {opcode} in fragments", parts, closed=PROTOCOL_ERROR)
        yield Case(f"control frame {opcode} without its end", parts[:1], closed=PROTOCOL_ERROR)
    yield Case("two fragments", fragments(BINARY, message, 8), [message])
    yield Case("three fragments", cut, [message])
    yield Case("one fragment for each byte", fragments(BINARY, message, *range(1, 26)), [message])
    yield Case("fragments of nothing", fragments(BINARY, message, 0, 0, 8, 8, 26, 26), [message])
    yield Case("text in two fragments", control, answers=ANSWERED)
    yield Case("text of nothing but its last byte", fragments(TEXT, text(), 0), answers=ANSWERED)
    yield Case(
        "a ping between fragments", [cut[0], ping, *cut[1:]], [message], answers=[pong(b"p")]
    )
    yield Case(
        "pings between all fragments",
        [ping, cut[0], ping, ping, cut[1], ping, cut[2], ping],
        [message],
        answers=[pong(b"p")] * 5,
    )
    yield Case(
        "a ping between fragments of text",
        [control[0], ping, control[1]],
        answers=[pong(b"p"), *ANSWERED],
    )
    yield Case("a pong between fragments", [cut[0], client_frame(PONG), *cut[1:]], [message])
    for fin in (True, False):
        alone = client_frame(CONTINUATION, b"of nothing", fin=fin)
        yield Case(f"a continuation alone, {fin}", [alone], closed=PROTOCOL_ERROR)
        yield Case(
            f"a continuation after a message, {fin}",
            [client_frame(BINARY, message), alone],
            [message],
            closed=PROTOCOL_ERROR,
        )
        yield Case(
            f"a continuation after fragments, {fin}",
            [*cut, alone, *cut],
            [message],
            closed=PROTOCOL_ERROR,
        )
    for opcode in (BINARY, TEXT):
        for fin in (True, False):
            second = client_frame(opcode, b"another", fin=fin)
            yield Case(
                f"message {opcode} within a message, {fin}", [cut[0], second], closed=PROTOCOL_ERROR
            )
    yield Case(
        "fragments, a whole message, fragments",
        [*cut, client_frame(BINARY, data(b"whole", 2)), *fragments(BINARY, data(b"", 3), 4)],
        [message, data(b"whole", 2), data(b"", 3)],
    )
    yield Case(
        "as many fragments as there may be",
        fragments(BINARY, message, *[8] * (FRAGMENTS_PER_MESSAGE - 1)),
        [message],
    )
    yield Case(
        "one more", fragments(BINARY, message, *[8] * FRAGMENTS_PER_MESSAGE), closed=BAD_MESSAGE
    )


GOOD_UTF8 = (
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\u0080\u07ff\u0800\uffff\U00010000\U0010ffff",
    "\ud7ff\ue000\ufffd",
    "\ufdd0\ufffe\U0001fffe",
    "日本語 العربية 🙂",
    "\u200b\ufeff\u2028",
)
BAD_UTF8 = {
    "an impossible byte": b"\xff",
    "a continuation byte": b"\x80",
    "64 continuation bytes": bytes(range(0x80, 0xC0)),
    "a start without its rest": b"\xc3 ",
    "a start of three without its rest": b"\xe1\x80 ",
    "a start of four without its rest": b"\xf1\x80\x80 ",
    "a start of five": b"\xf8\x88\x80\x80\x80",
    "a start of six": b"\xfc\x84\x80\x80\x80\x80",
    "overlong slash, two": b"\xc0\xaf",
    "overlong slash, three": b"\xe0\x80\xaf",
    "overlong slash, four": b"\xf0\x80\x80\xaf",
    "overlong NUL": b"\xc0\x80",
    "longest overlong, two": b"\xc1\xbf",
    "longest overlong, three": b"\xe0\x9f\xbf",
    "longest overlong, four": b"\xf0\x8f\xbf\xbf",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "good before and behind": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited",
}


def utf8() -> Iterator[Case]:
    """Group 6: texts, whole and cut within their characters."""
    for good in GOOD_UTF8:
        whole = text(good.encode())
        yield Case(f"good: {good!a}", [client_frame(TEXT, whole)], answers=ANSWERED)
        cuts = range(1, len(whole))
        yield Case(f"cut at every byte: {good!a}", fragments(TEXT, whole, *cuts), answers=ANSWERED)
    for name, note in BAD_UTF8.items():
        whole = text(note)
        yield Case(f"bad: {name}", [client_frame(TEXT, whole)], closed=BAD_TEXT)
        yield Case(f"cut: {name}", fragments(TEXT, whole, 10), closed=BAD_TEXT)
        begun = client_frame(TEXT, whole, fin=False)
        yield Case(f"refused before its end: {name}", [begun], closed=BAD_TEXT)
    yield Case("ends within a character", [client_frame(TEXT, b"\xe1\xbd")], closed=BAD_TEXT)
    yield Case(
        "ends within a character, in fragments",
        fragments(TEXT, b"{}\xe1\xbd", 2, 3),
        closed=BAD_TEXT,
    )
    yield Case("binary is no text", [client_frame(BINARY, data(b"\xff\xc0"))], [data(b"\xff\xc0")])


def closing() -> Iterator[Case]:
    """Group 7. The relay answers each good close with 1000 (protocol page, Close codes)."""
    good, message, ping = client_frame(BINARY, data()), data(), client_frame(PING)
    bye = close_frame(1000)
    yield Case("close", [bye], closed=1000)
    yield Case("close after a message", [good, bye], [message], closed=1000)
    yield Case("close twice", [bye, bye], closed=1000)
    yield Case("a ping after the close", [bye, ping], closed=1000)
    yield Case("a message after the close", [bye, good], closed=1000)
    yield Case("a text after the close", [bye, client_frame(TEXT, text())], closed=1000)
    yield Case("bad bytes after the close", [bye, b"\xff" * 100], closed=1000)
    yield Case("close within a message", [fragments(BINARY, message, 8)[0], bye, good], closed=1000)
    yield Case("close without a code", [client_frame(CLOSE)], closed=1000)
    yield Case("close with half a code", [client_frame(CLOSE, b"\x03")], closed=PROTOCOL_ERROR)
    yield Case("close not masked", [client_frame(CLOSE, masked=False)], closed=PROTOCOL_ERROR)
    yield Case("close in fragments", [client_frame(CLOSE, fin=False)], closed=PROTOCOL_ERROR)
    for reason in ("", "bye", "x" * 123, "ü" * 61):
        yield Case(
            f"close with a reason of {len(reason)}", [close_frame(1000, reason)], closed=1000
        )
    yield Case("a reason of 124", [close_frame(1000, "x" * 124)], closed=PROTOCOL_ERROR)
    for name, bad in BAD_UTF8.items():
        whole = client_frame(CLOSE, b"\x03\xe8" + bad)
        yield Case(f"a reason that is no text: {name}", [whole], closed=BAD_TEXT)
    for code in (*range(1000, 1004), *range(1007, 1012), 3000, 3999, 4000, 4999):
        yield Case(f"good code {code}", [close_frame(code)], closed=1000)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"bad code {code}", [close_frame(code)], closed=PROTOCOL_ERROR)


def limits() -> Iterator[Case]:
    """Group 9: the largest message passes however it is cut; more is told by its header."""
    message = data(bytes(index % 251 for index in range(MESSAGE_BYTES - 16)))
    for step in (1000, 4096, 16384, 65535):
        cut = fragments(BINARY, message, *range(step, MESSAGE_BYTES, step))
        yield Case(f"the largest in fragments of {step}", cut, [message])
    larger = message + b"x"
    yield Case(
        "larger by a byte, header alone", [client_frame(BINARY, larger)[:14]], closed=TOO_BIG
    )
    yield Case("larger in fragments", fragments(BINARY, larger, 40_000), closed=TOO_BIG)
    yield Case("2**40 bytes", [bytes.fromhex("82ff 0000010000000000 00000000")], closed=TOO_BIG)
    small = [data(bytes([number]), number) for number in range(200)]
    yield Case("200 messages", [client_frame(BINARY, each) for each in small], small)
    yield Case("a text too large", [client_frame(TEXT, text(b"x" * 4096))[:8]], closed=BAD_MESSAGE)


def ours() -> Iterator[Case]:
    """What RFC 6455 allows and the protocol page does not."""
    for name, control in {
        "no JSON": b"hello",
        "no text": b"",
        "an unknown type": b'{"type":"unknown"}',
        "a second hello": b'{"type":"hello"}',
        "no object": b"[1]",
    }.items():
        yield Case(f"text: {name}", [client_frame(TEXT, control)], closed=BAD_MESSAGE)
    for name, short in {"nothing": b"", "15 bytes": data()[:15]}.items():
        yield Case(f"binary: {name}", [client_frame(BINARY, short)], closed=BAD_MESSAGE)
    # The hello was the first of them, and the ping that is too many is answered before the close.
    flood = [client_frame(PING, b"p")] * 100
    yield Case("a flood of pings", flood, answers=[pong(b"p")] * CONTROLS_BURST, closed=RATE)


def all_cases() -> dict[str, Case]:
    groups = (framing, pings, reserved, fragmentation, utf8, closing, limits, ours)
    found = [(f"{group.__name__}: {case.name}", case) for group in groups for case in group()]
    assert len(dict(found)) == len(found), "two cases of one name"
    return dict(found)


CASES = all_cases()


def whole(sent: list[bytes]) -> Iterator[bytes]:
    yield b"".join(sent)


def frame_by_frame(sent: list[bytes]) -> Iterator[bytes]:
    yield from sent


def at_each_header(sent: list[bytes]) -> Iterator[bytes]:
    """Cut before and after the header of each frame, so that one read ends with a header."""
    rest = b""
    for frame in sent:
        size = frame[1] & 0x7F if len(frame) > 1 else 0
        head = 6 + {126: 2, 127: 8}.get(size, 0)
        yield rest + frame[:head]
        rest = frame[head:]
    yield rest


def byte_by_byte(sent: list[bytes]) -> Iterator[bytes]:
    """Of long frames the first and the last bytes alone; what lies between comes in one."""
    for frame in sent:
        end = max(len(frame) - EDGE, EDGE)
        yield from (frame[index : index + 1] for index in range(min(EDGE, len(frame))))
        if frame[EDGE:end]:
            yield frame[EDGE:end]
        yield from (frame[index : index + 1] for index in range(end, len(frame)))


CUTS = (whole, frame_by_frame, at_each_header, byte_by_byte)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    for cut in CUTS:
        try:
            check(CASES[name], cut)
        except AssertionError as error:
            error.add_note(f"cut {cut.__name__}")
            raise


def check(case: Case, cut: Callable[[list[bytes]], Iterator[bytes]]) -> None:
    """The case ends as it should where its bytes are cut so."""
    relay = Relay(limits=SessionLimits(message_bytes=MESSAGE_BYTES))
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    for piece in cut(case.sent):
        first.send(piece)
    answers = first.frames()
    if case.closed is not None:
        last = answers.pop()
        assert last.opcode == CLOSE
        assert int.from_bytes(last.payload[:2], "big") == case.closed
    assert answers == case.answers
    arrived = second.frames()
    assert [frame.payload for frame in arrived if frame.opcode == BINARY] == case.delivered
    # The peer hears of the end exactly when there is one, and nothing else.
    assert len(arrived) == len(case.delivered) + (case.closed is not None)
    assert relay.broker.joined == (2 if case.closed is None else 1)
