"""Refused: an HTTP answer in place of a WebSocket, read within limits."""

from vaultrelay.wire.json_object import BadControl, read_object

_LENGTH_DIGITS = 9
_STATUS_DIGITS = 3
_SHOWN_CHARS = 1000
REFUSAL_BYTES = 64 * 1024
"""More than any relay or proxy sends in a refusal."""


class Refused(Exception):
    """An HTTP answer, of the relay or a proxy before it, instead of a WebSocket."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(f"{detail} ({status} {error})" if status else detail)
        self.status = status
        self.error = error
        self.detail = detail


def body_length(head: bytes) -> int:
    """Return the Content-Length of an answer; REFUSAL_BYTES without one."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and value.strip().isdigit():
            return int(value.strip()[:_LENGTH_DIGITS])
    return REFUSAL_BYTES


def read_refused(head: bytes, body: bytes) -> Refused:
    """Return the refusal of a relay, or of any other HTTP server."""
    words = head.split(b"\r\n")[0].split(b" ")
    status = int(words[1][:_STATUS_DIGITS]) if len(words) > 1 and words[1].isdigit() else 0
    try:
        told = read_object(body)
        return Refused(status, told.text("error", _SHOWN_CHARS), told.text("detail", _SHOWN_CHARS))
    except BadControl:
        return Refused(status, "no_relay", "Something that is no VaultMesh relay answered.")
