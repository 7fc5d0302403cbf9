"""The two memory buffers that all TLS connections share.

OpenSSL takes whole records out of `INCOMING`, and keeps by itself what came of one that is cut. So
both are empty whenever a call here ends, and the next connection may use them. A pair for each
connection would keep the largest size that it ever had.

The rule: both are empty before a protocol or another connection is called. A connection that found
another's record in `INCOMING` would take it. Neither is ever given an end of file: it would end all
connections.
"""

import ssl

INCOMING = ssl.MemoryBIO()
OUTGOING = ssl.MemoryBIO()


def empty() -> None:
    """Discard what a failed call left."""
    INCOMING.read()
    OUTGOING.read()
