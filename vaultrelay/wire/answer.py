"""HTTP answers: reads the one answer to a request, in bounded size (RFC 9112).

h11 implements the grammar. Sockets, TLS and deadlines are the caller's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

SWITCHED = 101
_TLS_ALERT = b"\x15\x03"
_HTTP_1 = b"HTTP/1."
_FRAME_HEAD_BYTES = 9
"""Of HTTP/2. The first line of HTTP/1 is longer."""
_FRAME_TYPES = (b"\x04", b"\x07")
"""SETTINGS and GOAWAY, with which a server begins HTTP/2."""
_TLS = "This port speaks TLS: change ws:// in the URL to wss://, or http:// to https://."
_HTTP_2 = (
    "The server speaks HTTP/2, but a relay needs HTTP/1.1: configure the proxy to speak HTTP/1.1 "
    "on this port, too."
)
_NO_HTTP = "The server does not speak HTTP: is the port correct?"
_ENDLESS = "The server sends an endless HTTP head: is the port correct?"


class NoAnswer(ConnectionResetError):
    """The connection ended before the first byte of an answer."""


class NotHttp(Exception):
    """The server does not speak HTTP/1.1. The text is for people, with the cure."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; the names of its header fields are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return the first value of a field; empty if it is missing."""
        return self.headers.get(name, "")


class AnswerReader:
    """Reads the answer to `request`, which has no body, with a body of at most `body_bytes`."""

    def __init__(
        self, target: str, headers: Mapping[str, str], body_bytes: int, method: str = "GET"
    ) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=body_bytes)
        head = h11.Request(method=method, target=target, headers=list(headers.items()))
        self.request = (self._http.send(head) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        self._body_bytes = body_bytes
        self._first = b""
        self._received = 0
        self._head: h11.Response | h11.InformationalResponse | None = None
        self._body = b""

    def feed(self, data: bytes) -> Answer | None:
        """Take received bytes, none at the end of the connection; return the answer when complete.

        A body ends with the connection or at its limit, too. Raises NotHttp for another protocol,
        and NoAnswer if nothing was received.
        """
        self._received += len(data)
        if not self._received:
            raise NoAnswer("the connection was closed")
        self._first += data[: _FRAME_HEAD_BYTES - len(self._first)]
        _check_protocol(self._first, is_over=not data)
        fault = _ENDLESS
        try:
            self._http.receive_data(data)
            is_complete = self._read_events()
        except h11.RemoteProtocolError as error:
            # Fewer bytes may be the beginning of HTTP/2.
            is_complete = len(self._first) == _FRAME_HEAD_BYTES or not data
            if error.error_status_hint != HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                fault = _NO_HTTP
        if not is_complete and self._received <= 2 * self._body_bytes:
            return None
        if self._head is None:
            raise NotHttp(fault)
        # Of a repeated field the first one counts.
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in reversed(self._head.headers)
        }
        return Answer(self._head.status_code, headers, self._body[: self._body_bytes])

    def _read_events(self) -> bool:
        """Take what is complete; return whether that is the whole answer."""
        while (event := self._http.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.Response):
                self._head = event
            elif not isinstance(event, h11.InformationalResponse):
                return True
            elif event.status_code == SWITCHED:
                self._head = event
        return len(self._body) >= self._body_bytes


def _check_protocol(first: bytes, *, is_over: bool) -> None:
    """Raises NotHttp if the first bytes of a connection are not those of HTTP/1."""
    if first.startswith(_TLS_ALERT):
        raise NotHttp(_TLS)
    if len(first) < _FRAME_HEAD_BYTES and not is_over:
        return
    # Frames of the whole connection have the number 0.
    if first[:1] == b"\0" and first[3:4] in _FRAME_TYPES and first[5:] == bytes(4):
        raise NotHttp(_HTTP_2)
    if not first.startswith(_HTTP_1):
        raise NotHttp(_NO_HTTP)
