"""Base64url without padding, in its one canonical encoding (RFC 4648, sections 3.5 and 5)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode


class BadSpelling(ValueError):
    """A text that is not the canonical encoding of any bytes."""


class BadLength(ValueError):
    """A canonical encoding of more or fewer bytes than expected."""


def encode(raw: bytes) -> str:
    """Return the canonical text of `raw`."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str, size: int) -> bytes:
    """Return the `size` bytes that `text` encodes.

    Raises BadSpelling or BadLength for any other text.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BadSpelling("not base64url") from None
    # Python ignores foreign characters and spare bits; only the round trip reveals them.
    if encode(raw) != text:
        raise BadSpelling("not canonical base64url without padding")
    if len(raw) != size:
        raise BadLength(f"{len(raw)} bytes instead of {size}")
    return raw
