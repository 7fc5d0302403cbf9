"""Standard streams: a write error ends no command, but a lost result is an error.

The interpreter sets a closed stream to None, and raises if a stream is full, has no reader, or
cannot encode a character.
"""

import errno
import os
import sys
from io import BufferedWriter, FileIO, RawIOBase, TextIOWrapper
from typing import Any, TextIO

from vaultrelay.policy.printable import printable

_REASONS = {
    errno.EBADF: "it is closed",
    errno.EPIPE: "its reader has closed it",
}
"""Replacements for the system's messages, which are about descriptors and pipes."""
_INPUT, _OUTPUT, _ERROR = range(3)
_LOST = "cannot write the result to standard output"


class ResultLost(Exception):
    """The result of a command could not be written to standard output; the text is the reason."""


class _Raw(RawIOBase):
    """Writes to `raw`. Drops bytes that cannot be written, and keeps the first error.

    Later writes are tried again: a full disk may get space for the log of a relay.
    """

    error: OSError | None = None

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        try:
            written = self._raw.write(data)
        except OSError as error:
            self.error = self.error or error
            return len(data)
        if written is None:
            # Non-blocking and full. Waiting for its reader would block the relay.
            self.error = self.error or BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return len(data)
        return int(written)


class GuardedStream(TextIOWrapper):
    """Standard output or standard error. Escapes characters that its encoding lacks."""

    def __init__(self, raw: Any, encoding: str) -> None:
        self._guarded = _Raw(raw)
        super().__init__(
            BufferedWriter(self._guarded), encoding, "backslashreplace", line_buffering=True
        )

    @property
    def error(self) -> OSError | None:
        """The first error of a write."""
        return self._guarded.error


_errors: GuardedStream | None = None


def guard() -> None:
    """Make the three streams usable. Call it before any file or socket is opened.

    Replaced streams stay unchanged, so a second call does nothing.
    """
    global _errors  # noqa: PLW0603  there is one standard error, and twistd hides it
    if sys.stdin is None:
        _occupy(_INPUT)
        sys.stdin = TextIOWrapper(FileIO(_INPUT, "rb", closefd=False))
    if sys.stdout is sys.__stdout__:
        sys.stdout = _guarded(_OUTPUT, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _errors = _guarded(_ERROR, sys.stderr)


def print_result(text: str, end: str = "\n") -> None:
    """Print the result of a command, which a program may read or a file may keep.

    Raises ResultLost if it cannot be written to standard output, or encoded for it.
    """
    if not can_encode(sys.stdout, text):
        raise ResultLost(
            f"{_LOST}: its encoding, {sys.stdout.encoding}, cannot represent one of the characters"
        )
    print(text, end=end, flush=True)
    error = sys.stdout.error if isinstance(sys.stdout, GuardedStream) else None
    if error is not None:
        reason = _REASONS.get(error.errno or 0) or (error.strerror or "unknown error").lower()
        raise ResultLost(f"{_LOST}: {reason}")


def can_encode(stream: TextIO, text: str) -> bool:
    """Return whether `stream` can encode `text`."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def print_error(text: str) -> None:
    """Print one line to standard error, with every character escaped that is not printable.

    Also under twistd, which redirects sys.stderr to its log.
    """
    print(printable(text), file=_errors or sys.stderr)


def _guarded(descriptor: int, stream: Any) -> GuardedStream:
    if stream is None:
        _occupy(descriptor)
        return GuardedStream(FileIO(descriptor, "wb", closefd=False), "utf-8")
    # With python -u there is no buffer.
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return GuardedStream(raw, stream.encoding)


def _occupy(descriptor: int) -> None:
    """Open the null device at a closed descriptor, else a socket could get it, and our output.

    Read-only: writes fail, as with a closed descriptor.
    """
    null = os.open(os.devnull, os.O_RDONLY)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
