"""BoundedAnswer: an HTTP answer with one deadline and one limit of size for all of it."""

import socket
import time
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from vaultrelay.policy.limits import NODE_STATUS_BYTES

_MAX_BYTES = 2 * NODE_STATUS_BYTES
"""Limit of an answer in bytes: twice the status, for the head and the chunks of HTTP."""


class BoundedAnswer(HTTPResponse):
    """An HTTP answer, bounded in time and size.

    In HTTPResponse the timeout is for each read, and 100 Continue is read without end.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = BufferedReader(_Bounded(sock, self.fp.detach()))


class _Bounded(RawIOBase):
    """Reads a socket until its timeout is over in total, or the limit of bytes is reached."""

    def __init__(self, sock: socket.socket, raw: RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._until = time.monotonic() + (sock.gettimeout() or 0)
        self._bytes_left = _MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds_left = self._until - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError
        self._socket.settimeout(seconds_left)
        count = self._raw.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise HTTPException
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
