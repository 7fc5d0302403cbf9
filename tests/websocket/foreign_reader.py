"""ForeignReader: a FrameReader that leaves every frame to Autobahn."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from vaultrelay.websocket.frame_reader import FrameReader


class ForeignReader(FrameReader):
    """Takes no message: Autobahn alone is what FrameReader and Autobahn are compared with."""

    __slots__ = ()

    def feed(self, data: bytes, position: int = 0) -> list[bytes]:
        if position < len(data):
            self.append(data[position:])
        return []

    def next_text(self, maximum: int) -> None:
        return None


@contextmanager
def autobahn_alone() -> Iterator[None]:
    """Let Autobahn read all that comes on connections made within."""
    with patch("vaultrelay.websocket.receiver.FrameReader", ForeignReader):
        yield
