"""Traffic: pairs of devices that exchange numbered messages while something else happens."""

from tests.frames import BINARY, take_server_frame
from tests.transcripts.stream import Stream
from tests.transcripts.world import World, data

_PAIRS = 4
_LARGE_EACH = 16
"""Each so many rounds the message is one of 64 KiB, which takes several records and reads."""


class Traffic:
    """Pairs in channels of their own; in each round the first of each sends to the second."""

    def __init__(self, world: World) -> None:
        self._sent = 0
        self._pairs: list[tuple[Stream, Stream]] = []
        self._got: list[list[int]] = []
        for index in range(_PAIRS):
            pair = tuple(world.quiet_join(tag, f"pair {index}") for tag in (1, 2))
            first, second = pair
            assert first is not None
            assert second is not None
            first.receive_until(b'"joined"')
            first.data = b""
            self._pairs.append((first, second))
            self._got.append([])

    def round(self) -> None:
        """One message of each pair; what came until now is taken."""
        self._sent += 1
        size = 64 * 1024 if self._sent % _LARGE_EACH == 0 else 1024
        for first, _ in self._pairs:
            first.send(data(1, self._sent, _content(self._sent, size)))
        self._take(0)

    def note_end(self, world: World) -> None:
        """Whether all came, in order, on connections that are still open."""
        for (_, second), got in zip(self._pairs, self._got, strict=True):
            while not second.end and len(got) < self._sent and second.receive(10):
                self._take(0)
        wanted = list(range(1, self._sent + 1))
        whole = sum(got == wanted for got in self._got)
        ended = sum(bool(stream.end) for pair in self._pairs for stream in pair)
        told = sum(bool(first.data) for first, _ in self._pairs)
        world.note(
            f"{whole} of {_PAIRS} pairs: all messages came, in order; {ended} connections ended; "
            f"{told} senders were told something"
        )

    def _take(self, seconds: float) -> None:
        for (first, second), got in zip(self._pairs, self._got, strict=True):
            first.receive(0)
            second.receive(seconds)
            while taken := take_server_frame(second.data):
                frame, second.data = taken
                assert frame.opcode == BINARY
                id, content = int.from_bytes(frame.payload[12:16], "big"), frame.payload[16:]
                assert content == _content(id, len(content))
                got.append(id)


def _content(id: int, size: int) -> bytes:
    return id.to_bytes(4, "big") * (size // 4)
