"""Access tokens: their form, and their entries in a token file."""

import re
import secrets
from hashlib import sha256

from vaultrelay.policy.limits.access import MIN_TOKEN_CHARS, MIN_TOKEN_VARIETY
from vaultrelay.wire import base64url

TOKEN_BYTES = 32
"""Too many to guess, so that a plain hash in a file suffices: a slow one would protect nothing."""
LABEL = re.compile(r"[A-Za-z0-9._-]{1,32}")
"""The name of a token in logs and in the file, so that nothing needs escaping."""


_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The characters that are safe in an HTTP header and in a URL (RFC 6750, section 2.1)."""
_BARE_LABEL = re.compile(r"token-\d{4}-\d\d-\d\d")
"""A label as `vault-relay token new` makes it, which is as long as a token."""
QUOTES = tuple("\"'`\u2018\u2019\u201c\u201d")
_CURE = "Create one: vault-relay token new"
_PADDED = 4
"""The unit of characters in padded Base64."""


def new_token() -> str:
    """Return a new random token in base64url, safe in a URL."""
    return base64url.encode(secrets.token_bytes(TOKEN_BYTES))


def check_spelling(text: str) -> None:
    """Raises ValueError if `text` is not a single token.

    The message is the end of a sentence, and repeats nothing of `text`, which may contain a token.
    """
    if text[:1] in QUOTES or text[-1:] in QUOTES:
        raise ValueError("has quotation marks: remove them")
    if any(map(str.isspace, text)):
        raise ValueError("has white space inside: write only the token, without a word before it")
    if ":" in text:
        raise ValueError("has a colon: write the token itself, without its label or hash")
    if "=" in text.rstrip("=") or (text.endswith("=") and len(text) % _PADDED):
        raise ValueError("contains more than a token: remove the name and the = before it")
    if not _TOKEN.fullmatch(text):
        raise ValueError(
            "has a character that a token cannot have: letters, digits, . _ ~ + / -, and = at the "
            "end"
        )


def check_strength(text: str) -> None:
    """Raises ValueError if `text` can be guessed. The message is the end of a sentence."""
    if _BARE_LABEL.fullmatch(text):
        raise ValueError("is a label without its hash")
    if len(text) < MIN_TOKEN_CHARS:
        raise ValueError(
            f"is shorter than {MIN_TOKEN_CHARS} characters, so it can be guessed. {_CURE}"
        )
    if len(set(text)) < MIN_TOKEN_VARIETY:
        raise ValueError(
            f"has fewer than {MIN_TOKEN_VARIETY} different characters, so it can be guessed. "
            f"{_CURE}"
        )


def digest_of(token: bytes) -> bytes:
    """Return the SHA-256 of a token, which token files hold in hexadecimal."""
    return sha256(token).digest()


def token_line(label: str, token: str) -> str:
    """Return the line of a token file for this token.

    Raises ValueError, with a sentence, for a bad label.
    """
    if LABEL.fullmatch(label) is None:
        raise ValueError("a label is 1 to 32 letters, digits, dots, underscores and hyphens")
    return f"{label}:{digest_of(token.encode('ascii')).hex()}"
