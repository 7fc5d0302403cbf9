"""ServerTls: the certificates that a port serves, and the reading of a client's hello."""

import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vaultrelay.certificates.pair import CertificatePair


class ServerTls:
    """The certificates that a port serves: the one that a client asks for by name, or the first.

    `context` is for the next connection; `serve` changes it, and leaves those that are open alone.
    It holds the key of the tickets by which clients of TLS 1.2 resume sessions.
    """

    context: ssl.SSLContext
    pairs: tuple[CertificatePair, ...]

    def __init__(self, pairs: Sequence[CertificatePair]) -> None:
        self.serve(pairs)

    def serve(self, pairs: Sequence[CertificatePair]) -> None:
        """Serve these from now on."""
        first = pairs[0].context
        contexts = {name.lower(): pair.context for pair in reversed(pairs) for name in pair.names}

        def choose(end: ssl.SSLObject, asked: str | None, _: ssl.SSLContext) -> None:
            name = (asked or "").lower()
            wildcard = "*." + name.partition(".")[2]
            end.context = contexts.get(name) or contexts.get(wildcard) or first

        # A pair that is served alone may have been the first of several before.
        first.sni_callback = choose if len(pairs) > 1 else None
        self.context = first
        self.pairs = tuple(pairs)


@contextmanager
def unprinted_names() -> Iterator[None]:
    """Keep Python from printing a server name that is no ASCII, while a hello is read.

    Where several pairs are served, Python refuses such a hello, and tells sys.unraisablehook why,
    with the client's bytes in it.
    """
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
