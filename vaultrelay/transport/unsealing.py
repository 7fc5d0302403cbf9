"""Decrypts the records in the shared buffer, for one connection."""

import ssl
from collections.abc import Callable

from vaultrelay.native import has_twin
from vaultrelay.policy.limits.streams import MAX_READ_BYTES

RECORD_BYTES = 16 * 1024
"""Largest plaintext of a TLS record, in bytes (RFC 8446, section 5.1)."""
_plain = memoryview(bytearray(MAX_READ_BYTES + 2 * RECORD_BYTES))
"""Plaintext of one read; with the kept part of a record, it can be longer than the read."""


@has_twin("records")
def unseal(
    read: Callable[[int, memoryview], object], incoming: ssl.MemoryBIO
) -> tuple[bytes, bool | None]:
    """Decrypt all complete records by `read` of an SSLObject, which leaves none in `incoming`.

    Return the plaintext, and None; or whether the end is orderly, if the connection has to end.
    """
    total, is_orderly = 0, None
    try:
        while incoming.pending:
            size = read(RECORD_BYTES, _plain[total:])
            if not size:
                # A close_notify: later bytes are ignored (RFC 8446, section 6.1).
                is_orderly = True
                break
            total += size  # type: ignore[operator]
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        is_orderly = False
    if is_orderly is not None:
        incoming.read()
    return bytes(_plain[:total]), is_orderly
