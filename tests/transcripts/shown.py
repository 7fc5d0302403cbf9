"""What came of a relay, as text that is the same in each run."""

import re

from tests.frames import CLOSE, TEXT, Frame, take_server_frame

_CHANGING = (
    (re.compile(r'"nonce":"[\w-]{43}"'), '"nonce":"…"'),
    (re.compile(r'"uptime_seconds":\d+'), '"uptime_seconds":…'),
    (re.compile(r"Content-Length: \d+"), "Content-Length: …"),
    (re.compile(r";ref=\w+"), ";ref=…"),
    (re.compile(r"\d+\.\d+\.\d+\.\d+:\d+"), "ADDRESS"),
)
"""What differs between two runs that are the same."""


def shown(data: bytes, end: str) -> str:
    """Bytes of a relay as text: the HTTP head as it is, frames one by one, then how it ended."""
    parts: list[str] = []
    head, gap, rest = data.partition(b"\r\n\r\n")
    if data.startswith(b"HTTP/1.1 101") and gap:
        parts.append(head.decode("latin-1"))
        data = rest
    if data.startswith(b"HTTP/1.1"):
        parts.append(data.decode("utf-8", "replace"))
    else:
        parts.extend(_frames(data))
    if end:
        parts.append(f"<{end}>")
    text = "\n".join(parts)
    for pattern, instead in _CHANGING:
        text = pattern.sub(instead, text)
    return text


def _frames(data: bytes) -> list[str]:
    found: list[str] = []
    while data:
        try:
            taken = take_server_frame(data)
        except AssertionError:
            taken = None
        if taken is None:
            return [*found, f"partial frame: {data[:20].hex()}… {len(data)} bytes"]
        frame, data = taken
        found.append(_frame(frame))
    return found


def _frame(frame: Frame) -> str:
    fin = "" if frame.fin else " more"
    if frame.opcode == TEXT:
        return f"text{fin} {frame.payload.decode()}"
    if frame.opcode == CLOSE and len(frame.payload) > 1:
        code = int.from_bytes(frame.payload[:2], "big")
        return f"close{fin} {code} {frame.payload[2:].decode()}"
    payload = frame.payload
    body = payload.hex() if len(payload) <= 64 else f"{payload[:20].hex()}… {len(payload)} bytes"
    return f"opcode {frame.opcode}{fin} {body}"
