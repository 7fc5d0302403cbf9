"""Frames and HTTP messages in words, for the transcript of a case."""

from collections.abc import Iterator

from vaultrelay.conformance.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    server_frames,
)

_NAMES = {BINARY: "binary", CONTINUATION: "continuation", PING: "ping", PONG: "pong"}
_SHOWN_TEXT_BYTES = 2048
"""More than a transcript shows of it, and less than the largest welcome."""
_SHOWN_BINARY_BYTES = 32
_SHOWN_FRAMES = 3
_CODE_BYTES = 2


def message_in_words(opcode: int, payload: bytes) -> str:
    """Return a message or a control frame in words."""
    if opcode == TEXT:
        return f"text {payload[:_SHOWN_TEXT_BYTES].decode('utf-8', 'replace')}"
    if opcode == CLOSE:
        code, reason = payload[:_CODE_BYTES], payload[_CODE_BYTES:].decode("utf-8", "replace")
        number = str(int.from_bytes(code, "big")) if code else "without a code"
        return f"close {number} {reason}".strip()
    rest = f"... ({len(payload)} bytes)" if len(payload) > _SHOWN_BINARY_BYTES else ""
    name = _NAMES.get(opcode, f"opcode {opcode}")
    return f"{name} {payload[:_SHOWN_BINARY_BYTES].hex()}{rest}".strip()


def head_in_words(data: bytes) -> str:
    """Return the head of a request or a response in one line."""
    head, _, _ = data.partition(b"\r\n\r\n")
    return " | ".join(head.decode("latin-1").split("\r\n"))


def sent_in_words(data: bytes) -> str:
    """Return what the scripted relay sends: a response, frames, or a part of one."""
    if data.startswith(b"HTTP/"):
        return head_in_words(data)
    found = list(_frames_in_words(data))
    more = f"; {len(found) - _SHOWN_FRAMES} more frames" if len(found) > _SHOWN_FRAMES else ""
    return "; ".join(found[:_SHOWN_FRAMES]) + more


def _frames_in_words(data: bytes) -> Iterator[str]:
    for each in server_frames(data):
        if isinstance(each, bytes):
            yield f"{len(each)} bytes that are no whole frame: {each[:_SHOWN_BINARY_BYTES].hex()}"
        else:
            yield message_in_words(each.opcode, each.payload) + ("" if each.is_last else " (begun)")
