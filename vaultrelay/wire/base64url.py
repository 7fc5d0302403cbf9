"""Base64url without padding, in its one canonical spelling (RFC 4648, sections 3.5 and 5)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(raw: bytes) -> str:
    """The canonical text of `raw`."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str, size: int) -> bytes:
    """The `size` bytes that `text` spells; ValueError for every other spelling or size."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise ValueError("not base64url") from None
    # Python skips foreign characters and spare bits; only the round trip shows them.
    if encode(raw) != text:
        raise ValueError("not canonical base64url without padding")
    if len(raw) != size:
        raise ValueError(f"{len(raw)} bytes instead of {size}")
    return raw
