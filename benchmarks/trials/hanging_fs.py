"""A file system that stops answering: FUSE spoken by hand, for root alone (fuse(4))."""

import asyncio
import ctypes
import os
import stat
import struct
from collections.abc import Mapping
from contextlib import suppress
from errno import EINTR, ENOENT, ENOSYS
from pathlib import Path

from benchmarks.trials.helper import Link

_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ = 1, 2, 3, 14, 15
_INIT, _INTERRUPT, _BATCH_FORGET = 26, 36, 42
_CLOSES = {18, 25, 29}
"""RELEASE, FLUSH and RELEASEDIR, which take no answer but their success."""
_REQUEST = struct.Struct("=IIQQIIII")
_ANSWER = struct.Struct("=IiQ")
_ATTRIBUTES = struct.Struct("=6Q10I")
_ENTRY = struct.Struct("=4Q2I")
_MINOR = 19
_MAX_WRITE = 128 * 1024
_DIRECT_IO = 1
_ROOT = 1
_DETACH = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


class HangingFiles:
    """The files of one folder, which are served, or whose reads or whose everything hangs."""

    def __init__(self, descriptor: int, files: Mapping[str, bytes]) -> None:
        self.mode = "serve"
        self._descriptor = descriptor
        self._names = list(files)
        self._contents = list(files.values())
        self._waiting: dict[int, bytes] = {}

    def readable(self) -> None:
        """Take one request."""
        with suppress(OSError):
            request = os.read(self._descriptor, _MAX_WRITE + 4096)
            _, opcode, unique, *_ = _REQUEST.unpack_from(request)
            stuck = {_READ} if self.mode == "reads hang" else {_LOOKUP, _GETATTR, _OPEN, _READ}
            if self.mode != "serve" and opcode in stuck:
                self._waiting[unique] = request
            else:
                self._handle(request)

    def serve(self) -> None:
        """Answer again, first what has waited."""
        self.mode = "serve"
        for request in self._waiting.values():
            self._handle(request)
        self._waiting.clear()

    def _handle(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _REQUEST.unpack_from(request)
        body = request[_REQUEST.size :]
        if opcode in (_FORGET, _BATCH_FORGET):
            return
        if opcode == _INTERRUPT:
            (interrupted,) = struct.unpack_from("=Q", body)
            if self._waiting.pop(interrupted, None) is not None:
                self._answer(interrupted, error=EINTR)
            return
        error, answer = self._reply(opcode, node, body)
        self._answer(unique, answer, error)

    def _reply(self, opcode: int, node: int, body: bytes) -> tuple[int, bytes]:
        if opcode == _INIT:
            return 0, struct.pack("=4I2HI", 7, _MINOR, 0, 0, 12, 9, _MAX_WRITE)
        if opcode == _LOOKUP:
            name = body.rstrip(b"\0").decode()
            if name not in self._names:
                return ENOENT, b""
            found = self._names.index(name) + _ROOT + 1
            return 0, _ENTRY.pack(found, 0, 0, 0, 0, 0) + self._attributes(found)
        if opcode == _GETATTR:
            return 0, struct.pack("=QII", 0, 0, 0) + self._attributes(node)
        if opcode == _OPEN:
            return 0, struct.pack("=QII", 0, _DIRECT_IO, 0)
        if opcode == _READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            return 0, self._contents[node - _ROOT - 1][offset : offset + size]
        return (0 if opcode in _CLOSES else ENOSYS), b""

    def _attributes(self, node: int) -> bytes:
        size = 0 if node == _ROOT else len(self._contents[node - _ROOT - 1])
        mode = stat.S_IFDIR | 0o755 if node == _ROOT else stat.S_IFREG | 0o600
        return _ATTRIBUTES.pack(node, size, 0, 0, 1, 1, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _answer(self, unique: int, answer: bytes = b"", error: int = 0) -> None:
        with suppress(OSError):
            header = _ANSWER.pack(_ANSWER.size + len(answer), -error, unique)
            os.write(self._descriptor, header + answer)


async def serve(link: Link, folder: Path, files: Mapping[str, bytes]) -> None:
    """Mount the files over a folder, and change their mode on orders; reports why if it cannot."""
    try:
        descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK)
        options = f"fd={descriptor},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if _LIBC.mount(b"trial", os.fsencode(folder), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount")
    except OSError as error:
        link.report(f"no FUSE: {error.strerror}")
        return
    files_there = HangingFiles(descriptor, files)
    asyncio.get_running_loop().add_reader(descriptor, files_there.readable)
    link.report("")
    with suppress(EOFError):
        while (mode := await link.order()) is not None:
            files_there.mode = mode
            if mode == "serve":
                files_there.serve()
    # What still waits fails: its file system is gone.
    os.close(descriptor)


def unmount(folder: Path) -> None:
    """Take the mount away, used or not."""
    _LIBC.umount2(os.fsencode(folder), _DETACH)
