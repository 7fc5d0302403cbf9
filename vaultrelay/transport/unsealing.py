"""Decrypts the records in the shared buffer, for one connection, and finds where records end."""

import ssl
from collections.abc import Callable

from vaultrelay.native import has_twin
from vaultrelay.policy.limits.streams import MAX_READ_BYTES

RECORD_BYTES = 16 * 1024
"""Largest plaintext of a TLS record, in bytes (RFC 8446, section 5.1)."""
_HEADER_BYTES = 5
_CONTENT_TYPES = range(20, 24)
_MAJOR_VERSION = 3
_MAX_SEALED_BYTES = _HEADER_BYTES + RECORD_BYTES + 2048
"""The largest record of TLS 1.2 (RFC 5246, section 6.2.3); TLS 1.3 allows less."""
_plain = memoryview(bytearray(MAX_READ_BYTES + 2 * RECORD_BYTES))
"""Plaintext of one read; with the kept part of a record, it can be longer than the read."""


@has_twin("records")
def unseal(
    read: Callable[[int, memoryview], object], incoming: ssl.MemoryBIO
) -> tuple[bytes, bool | None, int]:
    """Decrypt all complete records by `read` of an SSLObject, which leaves none in `incoming`.

    Return the plaintext; whether the end is orderly if the connection has to end, else None; and
    the number of bytes after the last application data, in which an incomplete record may begin.
    """
    total, is_orderly = 0, None
    try:
        while left := incoming.pending:
            size = read(RECORD_BYTES, _plain[total:])
            if not size:
                # A close_notify: later bytes are ignored (RFC 8446, section 6.1).
                is_orderly = True
                break
            total += size  # type: ignore[operator]  # a size, as a buffer was given
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        is_orderly = False
    if is_orderly is not None:
        incoming.read()
    return bytes(_plain[:total]), is_orderly, left


def missing_bytes(data: memoryview | bytes, start: int) -> int | None:
    """Return how many bytes the last record in `data` lacks, if one begins at `start`.

    Return None if it lacks a part of its header, or if there is no record: then `data` may be
    the middle of one.
    """
    end = start
    while len(data) - end >= _HEADER_BYTES:
        content_type, major_version = data[end], data[end + 1]
        if content_type not in _CONTENT_TYPES or major_version != _MAJOR_VERSION:
            return None
        start = end
        end += _HEADER_BYTES + int.from_bytes(data[end + 3 : end + _HEADER_BYTES], "big")
    return end - len(data) if len(data) <= end <= start + _MAX_SEALED_BYTES else None
