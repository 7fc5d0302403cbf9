"""Access lists: the files of tokens and of channels, one to a line, as an operator writes them.

Blank lines and what follows a ``#`` say nothing.
"""

import re
from collections.abc import Iterator

from vaultrelay.policy.access import Tokens, digest_of
from vaultrelay.policy.limits import MOST_CHANNELS_LISTED, MOST_TOKENS, SHORTEST_TOKEN
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import CHANNEL_BYTES

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""What passes through an HTTP header and a URL alike (RFC 6750, section 2.1)."""
_HASHED = re.compile(r"[A-Za-z0-9._-]{1,32}:([0-9A-Fa-f]{64})")
_COMMENT = re.compile(r"(?:^|\s)#.*")


class BadLine(ValueError):
    """A file that cannot be used: the number of its line, 0 for the whole, and why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number} {reason}" if number else reason)


def read_tokens(text: str) -> Tokens:
    """The tokens of a file whose lines are ``TOKEN`` or ``label:SHA256-of-the-token``."""
    digests = [_digest(number, line) for number, line in _lines(text)]
    if not digests:
        raise BadLine(0, "holds no token, so nobody could come in. Make one: vault-relay token new")
    if len(digests) > MOST_TOKENS:
        raise BadLine(0, f"holds more than {MOST_TOKENS} tokens")
    return Tokens(digests)


def read_channels(text: str) -> frozenset[bytes]:
    """The channels of a file whose lines are their addresses, 43 characters of base64url."""
    channels = set()
    for number, line in _lines(text):
        try:
            channels.add(base64url.decode(line, CHANNEL_BYTES))
        except ValueError:
            raise BadLine(number, "is no channel: 43 characters of base64url") from None
    if not channels:
        raise BadLine(0, "holds no channel, so nobody could come in")
    if len(channels) > MOST_CHANNELS_LISTED:
        raise BadLine(0, f"holds more than {MOST_CHANNELS_LISTED} channels")
    return frozenset(channels)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        said = _COMMENT.sub("", line).strip()
        if said:
            yield number, said


def _digest(number: int, line: str) -> bytes:
    hashed = _HASHED.fullmatch(line)
    if hashed is not None:
        return bytes.fromhex(hashed[1])
    # The line may be a secret: what is wrong with it is said, never the line itself.
    if ":" in line:
        raise BadLine(
            number, "is not label:sha256, a label of at most 32 letters and 64 hexadecimal digits"
        )
    if not _TOKEN.fullmatch(line):
        raise BadLine(number, "has a character that a token cannot have: letters, digits, . _ ~ -")
    if len(line) < SHORTEST_TOKEN:
        raise BadLine(
            number,
            f"is shorter than {SHORTEST_TOKEN} characters, which can be guessed. Make one: "
            "vault-relay token new",
        )
    return digest_of(line.encode("ascii"))
