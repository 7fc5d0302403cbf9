"""Access tokens: what they look like, and what a file holds instead of them."""

import re
import secrets
from hashlib import sha256

from vaultrelay.policy.limits import LEAST_TOKEN_VARIETY, SHORTEST_TOKEN
from vaultrelay.wire import base64url

TOKEN_BYTES = 32
"""Nobody guesses one, so a plain hash of it in a file is enough: there is nothing to slow down."""
LABEL = re.compile(r"[A-Za-z0-9._-]{1,32}")
"""What a token may be called: our word for it in logs and in the file, so nothing to escape."""


_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What passes through an HTTP header and a URL alike (RFC 6750, section 2.1)."""
_BARE_LABEL = re.compile(r"token-\d{4}-\d\d-\d\d")
"""A label as `vault-relay token new` makes it, which is long enough for a token."""
_QUOTES = tuple("\"'`\u2018\u2019\u201c\u201d")
_CURE = "Make one: vault-relay token new"
_PADDED = 4
"""Base64 has so many characters at a time, = included."""


def new_token() -> str:
    """A token that nobody had before: base64url, as it may stand in a URL."""
    return base64url.encode(secrets.token_bytes(TOKEN_BYTES))


def check_spelling(text: str) -> None:
    """Raises ValueError with a reason, the end of a sentence, if `text` is not a token alone.

    It may hold one, so the reason repeats nothing of it.
    """
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        raise ValueError("has quotation marks: write the token without them")
    if any(map(str.isspace, text)):
        raise ValueError("has white space inside: write the token alone, without a word before it")
    if ":" in text:
        raise ValueError("has a colon: write the token itself, neither its label nor its hash")
    if "=" in text.rstrip("=") or (text.endswith("=") and len(text) % _PADDED):
        raise ValueError("is not a token alone: write it without a name and = before it")
    if not _TOKEN.fullmatch(text):
        raise ValueError(
            "has a character that a token cannot have: letters, digits, . _ ~ + / -, and = at the "
            "end"
        )


def check_strength(text: str) -> None:
    """Raises ValueError with a reason, the end of a sentence, if `text` can be guessed."""
    if _BARE_LABEL.fullmatch(text):
        raise ValueError("is a label without its hash")
    if len(text) < SHORTEST_TOKEN:
        raise ValueError(
            f"is shorter than {SHORTEST_TOKEN} characters, which can be guessed. {_CURE}"
        )
    if len(set(text)) < LEAST_TOKEN_VARIETY:
        raise ValueError(
            f"has fewer than {LEAST_TOKEN_VARIETY} different characters, which can be guessed. "
            f"{_CURE}"
        )


def digest_of(token: bytes) -> bytes:
    """What is kept of a token: SHA-256, of which a file has the hexadecimal digits."""
    return sha256(token).digest()


def token_line(label: str, token: str) -> str:
    """The line of a token file for this token; ValueError with a sentence for a bad label."""
    if LABEL.fullmatch(label) is None:
        raise ValueError("a label is 1 to 32 letters, digits, dots, underscores and hyphens")
    return f"{label}:{digest_of(token.encode('ascii')).hex()}"
