"""The twins of the frame and message functions, called with large messages and odd arguments.

The streams of `twins` are short, and so hold no frame of 64 KiB.
"""

import math
import sys
from collections.abc import Iterator
from typing import Any

from tests.frames import mask
from vaultrelay.websocket.frame_header import MASKED
from vaultrelay.websocket.frame_reader import take_messages
from vaultrelay.websocket.frame_writer import binary_frames, frame_header
from vaultrelay.wire.data import HEADER_BYTES, BadHeader, check_data, end_of_run, pack_data

_SIZES = (0, 11, 15, 16, 17, 100, 125, 126, 127, 1000, 65535, 65536, 70_001)
_MAXIMUM = (-1, 0, 16, 125, 126, 65535, 65536, sys.maxsize)
_MOST = (0, 1, 2, 300, 65536.5, math.inf)
_MESSAGES = 12
"""At most."""


def calls(plan: bytes) -> list[Any]:
    """Return the results of calls that bytes describe: four for arguments, two for each message."""
    if len(plan) < 4:
        return []
    most, maximum, cut, odd = plan[:4]
    messages = list(_messages(plan[4 : 4 + 2 * _MESSAGES]))
    stream = b"".join(_masked(message, plan[:4]) for message in messages)
    # Also a header that claims more than the stream has, or more than any.
    stream = stream[: len(stream) - cut] + (plan[4:18] if odd & 1 else b"")
    taken = list[bytes]()
    end = take_messages(stream, odd >> 4, _MAXIMUM[maximum % len(_MAXIMUM)], taken)
    found = [binary_frames(messages), binary_frames(messages[:1]), end, taken]
    for start, message in enumerate(messages):
        session = int.from_bytes(message[8:12], "big")
        try:
            found.append(check_data(message, session))
        except BadHeader as error:
            found.append(str(error))
        if len(message) >= HEADER_BYTES:
            limits = _MOST[most % len(_MOST)], _MOST[most // len(_MOST) % len(_MOST)]
            found.append(end_of_run(messages, start, *limits))
    return found


def _messages(plan: bytes) -> Iterator[bytes]:
    for kind, size in zip(plan[::2], plan[1::2], strict=False):
        header = pack_data(kind & 3, kind >> 2 & 3, kind, b"")
        if kind & 0x80:
            # Another kind, flags or reason.
            header = bytes((0x10 ^ kind >> 4 & 1, kind >> 5 & 1, 0, kind >> 6 & 1)) + header[4:]
        yield (header + bytes((kind, size, 3)) * 25_000)[: _SIZES[size % len(_SIZES)]]


def _masked(message: bytes, key: bytes) -> bytes:
    first, second, *size = frame_header(len(message))
    return bytes((first, second | MASKED, *size)) + key + (mask(message, key) if message else b"")
