"""Masker and Utf8Validator: two parts of Autobahn, in a form that is quick everywhere.

Autobahn's own are pure Python, at 160 ns for each byte, or its compiled NVX, whose wrapping takes
5.6 us for each frame and whose definitions take 1.5 MB of memory.
"""

import codecs
from typing import Any

from autobahn.websocket import protocol

from vaultrelay.wire.masking import apply_mask

_KEY_BYTES = 4
_SURROGATE_BYTE = b"\xed"
_SURROGATES = b"\xed\xa0"
"""From here on all that begins with the byte above is one (RFC 3629, section 3)."""
_decoder = codecs.getincrementaldecoder("utf-8")


class Masker:
    """Masks or unmasks the payload of one frame, piece by piece."""

    __slots__ = ("_done", "_key")

    def __init__(self, key: bytes, length: int | None = None) -> None:
        self._key = key
        self._done = 0

    def pointer(self) -> int:
        """How many bytes went through."""
        return self._done

    def process(self, data: bytes) -> bytes:
        """The next bytes, masked or unmasked."""
        turn = self._done % _KEY_BYTES
        self._done += len(data)
        return apply_mask(data, self._key[turn:] + self._key[:turn])


class Utf8Validator:
    """Tells as soon as a text cannot be UTF-8 any more, wherever it is cut."""

    __slots__ = ("_decoder", "_total")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another text."""
        self._decoder: codecs.IncrementalDecoder | None = _decoder()
        self._total = 0

    def validate(self, data: bytes) -> tuple[bool, bool, int, int]:
        """Whether the text is UTF-8 up to here and ends with a whole character; and where it ends.

        That is counted from the start of `data`, and from the start of the text.
        """
        if self._decoder is None:
            return False, False, 0, self._total
        try:
            self._decoder.decode(data)
        except UnicodeDecodeError as error:
            self._decoder = None
            return False, False, error.start, self._total + error.start
        self._total += len(data)
        cut, _ = self._decoder.getstate()
        if cut.startswith(_SURROGATE_BYTE) and cut >= _SURROGATES:
            # Python waits for the last byte of a surrogate before it refuses it.
            self._decoder = None
            return False, False, len(data), self._total
        return True, not cut, len(data), self._total


# Autobahn looks both up in this module and has no other place in which to name others. Its clients
# in this process get them, too, which is all the same to them.
_autobahn: Any = protocol
_autobahn.create_xor_masker = Masker
_autobahn.Utf8Validator = Utf8Validator
