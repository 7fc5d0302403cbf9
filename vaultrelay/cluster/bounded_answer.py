"""BoundedAnswer: an HTTP answer that is read within one deadline and one size, however it comes."""

import socket
import time
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any

from vaultrelay.policy.limits import NODE_STATUS_BYTES

_MOST_BYTES = 2 * NODE_STATUS_BYTES
"""Of a whole answer: as much again for its head, and what HTTP puts between."""


class BoundedAnswer(HTTPResponse):
    """An answer that is read for so long and so far, and no more.

    By itself a deadline is one for each byte, and 100 Continue is read for ever.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = BufferedReader(_Bounded(sock, self.fp.detach()))


class _Bounded(RawIOBase):
    """The bytes of a socket, until the time of the socket is over, or there are too many."""

    def __init__(self, sock: socket.socket, raw: RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._until = time.monotonic() + (sock.gettimeout() or 0)
        self._bytes_left = _MOST_BYTES

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
