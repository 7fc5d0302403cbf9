"""The two memory buffers that all TLS connections share.

OpenSSL takes complete records from `INCOMING`, and keeps the bytes of an incomplete one itself. So
both are empty at the end of each call, and the next connection can use them. A pair for each
connection would keep the largest size that it ever had.

The rule: both are empty before a protocol or another connection is called. Else a connection would
read another's record in `INCOMING`. Neither ever gets an end of file: it would end all connections.
"""

import ssl

INCOMING = ssl.MemoryBIO()
OUTGOING = ssl.MemoryBIO()


def empty() -> None:
    """Discard the bytes that a failed call left."""
    INCOMING.read()
    OUTGOING.read()
