"""Standard streams that are closed, full or gone, or lack a character."""

import errno
import io
import sys
from typing import Any

import pytest

from vaultrelay.app.standard_streams import (
    GuardedStream,
    ResultLost,
    can_encode,
    guard,
    print_result,
)


class Raw(io.RawIOBase):
    """A descriptor that answers each write with the next of these: bytes taken, or an error."""

    def __init__(self, *answers: int | OSError | None) -> None:
        self.answers = list(answers)
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> Any:
        answer = self.answers.pop(0) if self.answers else len(data)
        if isinstance(answer, OSError):
            raise answer
        self.written += bytes(data[: answer or 0])
        return answer


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [full(), BrokenPipeError(errno.EPIPE, "Broken pipe"), None])
def test_what_cannot_be_written_is_dropped_and_the_next_line_is_tried_again(
    error: OSError | None,
) -> None:
    raw = Raw(error)
    stream = GuardedStream(raw, "utf-8")
    stream.write("one\n")
    stream.write("two\n")
    assert raw.written == b"two\n"
    assert isinstance(stream.error, OSError)


def test_the_first_error_is_kept() -> None:
    first = full()
    stream = GuardedStream(Raw(first, OSError(errno.EIO, "Input/output error")), "utf-8")
    print("one", file=stream)
    print("two", file=stream)
    assert stream.error is first


def test_a_write_that_takes_a_part_goes_on() -> None:
    raw = Raw(2)
    stream = GuardedStream(raw, "utf-8")
    print("four", file=stream)
    assert (raw.written, stream.error) == (b"four\n", None)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("latin-1", b"\\u043a \xe9\n"), ("ascii", b"\\u043a \\xe9\n"), ("cp437", b"\\u043a \x82\n")],
)
def test_a_character_that_the_encoding_lacks_is_escaped(encoding: str, written: bytes) -> None:
    raw = Raw()
    print("\u043a é", file=GuardedStream(raw, encoding))
    assert raw.written == written


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (full(), "no space left on device"),
        (OSError(errno.EPIPE, "Broken pipe"), "its reader has closed it"),
        (OSError(errno.EBADF, "Bad file descriptor"), "it is closed"),
        (OSError(errno.EFBIG, "File too large"), "file too large"),
        (OSError(errno.EIO, "Input/output error"), "input/output error"),
        (None, "resource temporarily unavailable"),
    ],
)
def test_a_result_that_is_not_taken_is_lost(
    monkeypatch: pytest.MonkeyPatch, error: OSError | None, reason: str
) -> None:
    monkeypatch.setattr("sys.stdout", GuardedStream(Raw(error), "utf-8"))
    with pytest.raises(ResultLost) as lost:
        print_result("result")
    assert str(lost.value) == f"cannot write the result to standard output: {reason}"


def test_a_result_is_not_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", GuardedStream(Raw(), "ascii"))
    print_result("wss://relay.example.org")
    with pytest.raises(
        ResultLost, match="its encoding, ascii, cannot represent one of the characters"
    ):
        print_result("wss://bücher.example")
    assert not can_encode(io.TextIOWrapper(io.BytesIO(), "latin-1"), "\u043a")


def test_streams_that_the_program_replaced_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = io.StringIO()
    monkeypatch.setattr("sys.stdout", ours)
    monkeypatch.setattr("sys.stderr", ours)
    guard()
    assert sys.stdout is sys.stderr is ours
