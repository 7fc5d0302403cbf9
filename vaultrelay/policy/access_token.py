"""Access tokens: what they look like, and what a file holds instead of them."""

import re
import secrets
from hashlib import sha256

from vaultrelay.wire import base64url

TOKEN_BYTES = 32
"""Nobody guesses one, so a plain hash of it in a file is enough: there is nothing to slow down."""
LABEL = re.compile(r"[A-Za-z0-9._-]{1,32}")
"""What a token may be called: our word for it in logs and in the file, so nothing to escape."""


def new_token() -> str:
    """A token that nobody had before: base64url, as it may stand in a URL."""
    return base64url.encode(secrets.token_bytes(TOKEN_BYTES))


def digest_of(token: bytes) -> bytes:
    """What is kept of a token: SHA-256, of which a file has the hexadecimal digits."""
    return sha256(token).digest()


def token_line(label: str, token: str) -> str:
    """The line of a token file for this token; ValueError with a sentence for a bad label."""
    if LABEL.fullmatch(label) is None:
        raise ValueError("a label is 1 to 32 letters, digits, dots, underscores and hyphens")
    return f"{label}:{digest_of(token.encode('ascii')).hex()}"
