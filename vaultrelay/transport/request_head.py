"""RequestHead: collects the head of one request, and parses it once it is complete."""

from vaultrelay.policy.limits.pending import HEAD_BYTES
from vaultrelay.wire.head import HEAD_END, check_growing, request_start
from vaultrelay.wire.refusal import head_too_large
from vaultrelay.wire.request import Request, read_request


class RequestHead:
    """The bytes of an incomplete request head, bounded in size."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = b""

    @property
    def has_begun(self) -> bool:
        """Whether any byte of the head was received."""
        return bool(self._bytes)

    @property
    def is_of_head_method(self) -> bool:
        """Whether the method is HEAD: the answer has no body."""
        return self._bytes.lstrip(b"\r\n").startswith(b"HEAD ")

    def feed(
        self, data: bytes, in_tls: bool, has_proxy_header: bool
    ) -> tuple[Request, bytes] | None:
        """Return the request and the bytes after its head once that is complete, None before.

        Raises Refusal if the head is invalid.
        """
        had = len(self._bytes)
        self._bytes += data
        start = request_start(self._bytes, in_tls, has_proxy_header)
        if start is None:
            return None
        # Search new bytes only: a head that arrives byte by byte would cost quadratic time.
        found = self._bytes.find(HEAD_END, max(start, had - len(HEAD_END) + 1))
        end = found + len(HEAD_END) if found >= 0 else 0
        if (end or len(self._bytes)) > HEAD_BYTES:
            raise head_too_large(HEAD_BYTES)
        if not end:
            check_growing(self._bytes, max(start, had))
            return None
        return read_request(self._bytes[start:end]), self._bytes[end:]

    def clear(self) -> None:
        """Free the collected bytes."""
        self._bytes = b""
