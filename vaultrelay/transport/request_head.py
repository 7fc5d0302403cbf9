"""RequestHead: collects the head of one request, and reads it once it is whole."""

from vaultrelay.policy.limits import HEAD_BYTES
from vaultrelay.wire.head import HEAD_END, check_growing, request_start
from vaultrelay.wire.refusal import head_too_large
from vaultrelay.wire.request import Request, read_request


class RequestHead:
    """The bytes of a request head so far, bounded in size."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = b""

    @property
    def has_begun(self) -> bool:
        """Whether anything of it has come."""
        return bool(self._bytes)

    @property
    def is_of_head_method(self) -> bool:
        """Whether the request asks for no body in the answer."""
        return self._bytes.lstrip(b"\r\n").startswith(b"HEAD ")

    def feed(
        self, data: bytes, in_tls: bool, has_proxy_header: bool
    ) -> tuple[Request, bytes] | None:
        """Returns the request and what follows its head once that is whole, None before.

        Raises Refusal if it cannot become one.
        """
        had = len(self._bytes)
        self._bytes += data
        start = request_start(self._bytes, in_tls, has_proxy_header)
        if start is None:
            return None
        # Only what is new is searched, or a dripping head would cost its length squared.
        found = self._bytes.find(HEAD_END, max(start, had - len(HEAD_END) + 1))
        end = found + len(HEAD_END) if found >= 0 else 0
        if (end or len(self._bytes)) > HEAD_BYTES:
            raise head_too_large(HEAD_BYTES)
        if not end:
            check_growing(self._bytes, max(start, had))
            return None
        return read_request(self._bytes[start:end]), self._bytes[end:]

    def clear(self) -> None:
        """Free what was collected."""
        self._bytes = b""
