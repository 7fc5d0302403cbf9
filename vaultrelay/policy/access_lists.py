"""Access lists: the files of tokens and of channels, one entry a line.

Blank lines and comments, from a ``#`` to the end of the line, are ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vaultrelay.policy.access import Tokens
from vaultrelay.policy.access_token import LABEL, check_spelling, check_strength, digest_of
from vaultrelay.policy.channel_list import ChannelList
from vaultrelay.policy.limits.access import MAX_CHANNELS_LISTED, MAX_TOKENS
from vaultrelay.policy.rest import Rest, no_rest
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import CHANNEL_BYTES

_HASHED = re.compile(rf"({LABEL.pattern}):([0-9A-Fa-f]{{64}})")
_LINE = re.compile(r".*\n?")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_LINES_BETWEEN_RESTS = 16
_OF_NOTHING = frozenset(map(digest_of, (b"", b"\n")))
"""The digests that a shell makes from an unset variable, which an attacker can guess."""


class BadLine(ValueError):
    """An invalid file: the number of its first bad line, 0 for the whole file, and the reason."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number} {reason}" if number else reason)


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token of a file: its line number, its label (None if it is plain), its digest."""

    number: int
    label: str
    digest: bytes = field(repr=False)


def read_token_lines(text: str, rest: Rest = no_rest) -> list[TokenLine]:
    """Return the tokens of a file with lines of ``TOKEN`` or ``label:SHA256-of-the-token``.

    `rest` is called every few lines. Raises BadLine for the first line that is neither.
    """
    lines = [_token_line(number, line) for number, line in _lines(text, rest)]
    if len(lines) > MAX_TOKENS:
        raise BadLine(0, f"contains more than {MAX_TOKENS} tokens")
    return lines


def read_tokens(text: str, rest: Rest = no_rest) -> Tokens:
    """Return the tokens of such a file, perhaps none. Raises BadLine as `read_token_lines` does."""
    return Tokens(line.digest for line in read_token_lines(text, rest))


def read_channels(text: str, rest: Rest = no_rest) -> ChannelList:
    """Return the channels of a file with one channel address a line, 43 characters of base64url.

    The file may be empty. `rest` is called every few lines. Raises BadLine for the first line that
    is not a channel.
    """
    channels = ChannelList((_channel(number, line) for number, line in _lines(text, rest)), rest)
    if len(channels) > MAX_CHANNELS_LISTED:
        raise BadLine(0, f"contains more than {MAX_CHANNELS_LISTED} channels")
    return channels


def _lines(text: str, rest: Rest) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(_LINE.finditer(text), 1):
        if number % _LINES_BETWEEN_RESTS == 0:
            rest()
        content = _COMMENT.sub("", line[0]).strip()
        if content:
            yield number, content


def _channel(number: int, line: str) -> bytes:
    try:
        return base64url.decode(line, CHANNEL_BYTES)
    except ValueError:
        raise BadLine(number, "is not a channel: 43 characters of base64url") from None


def _token_line(number: int, line: str) -> TokenLine:
    hashed = _HASHED.fullmatch(line)
    if hashed is not None:
        digest = bytes.fromhex(hashed[2])
        if digest in _OF_NOTHING:
            raise BadLine(number, "is the hash of an empty token; replace it")
        return TokenLine(number, hashed[1], digest)
    # The line may be a secret: the error describes it, and never repeats it.
    if ":" in line:
        raise BadLine(
            number, "is not label:sha256, a label of at most 32 letters and 64 hexadecimal digits"
        )
    try:
        check_spelling(line)
        check_strength(line)
    except ValueError as error:
        raise BadLine(number, str(error)) from None
    return TokenLine(number, "", digest_of(line.encode("ascii")))
