"""The load generator: builds `generator.c` on the spot and hands it connections and frames."""

import ctypes
import subprocess
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int, c_ubyte, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path

# What pyOpenSSL itself stands on. It alone knows where the functions are that its connections need.
from cryptography.hazmat.bindings._rust import _openssl

from benchmarks.loads import Load
from benchmarks.meetings import Group
from tests.frames import BINARY, client_frame

SOURCE = Path(__file__).with_name("generator.c")
MOST_WRITES = 1_000_000
"""Of one group in one run; time is what ends a run, and this only what bounds it."""
DRAIN_SECONDS = 10.0
"""For what is under way when no more is sent. A server that needs longer has lost it."""


class Incomplete(Exception):
    """A run in which not everything arrived; the text says what happened."""


@dataclass(frozen=True)
class Pumped:
    """What arrived in one run."""

    deliveries: int
    seconds: float


class _End(Structure):
    _fields_ = (
        ("fd", c_int),
        ("group", c_int),
        ("sends", c_int),
        ("counts", c_int),
        ("ssl", c_void_p),
        ("left", c_uint64),
        ("head", c_ubyte * 10),
        ("had", c_ubyte),
    )


class _Group(Structure):
    _fields_ = (
        ("sender", c_int),
        ("frames", c_char_p),
        ("bytes", c_uint64),
        ("expected", c_uint64),
        ("window", c_uint64),
        ("maximum", c_uint64),
        ("writes", c_uint64),
        ("offset", c_uint64),
        ("arrived", c_uint64),
    )


class _Tls(Structure):
    _fields_ = (("read", c_void_p), ("write", c_void_p), ("error", c_void_p))


class _Outcome(Structure):
    _fields_ = (("seconds", c_double), ("broken", c_int), ("whole", c_int))


class Generator:
    """Pumps one load through groups of connections that are joined already."""

    def __init__(self, library: ctypes.CDLL, load: Load, groups: Sequence[Group]) -> None:
        self._library = library
        self._load = load
        ends: list[_End] = []
        filled: list[_Group] = []
        for number, group in enumerate(groups):
            messages = (group.outgoing(load.message_bytes) for _ in range(load.per_write))
            frames = b"".join(client_frame(BINARY, message) for message in messages)
            arriving = group.arriving_bytes(load.message_bytes) * load.receivers * load.per_write
            filled.append(_Group(len(ends), frames, len(frames), arriving, load.window))
            for line in group.lines:
                line.socket.setblocking(False)
                ends.append(_End(line.socket.fileno(), number, line is group.sender))
                if line.tls:
                    ends[-1].ssl = _address(line.tls._ssl)
        self._ends = (_End * len(ends))(*ends)
        self._groups = (_Group * len(filled))(*filled)
        names = ("SSL_read", "SSL_write", "SSL_get_error")
        functions = (_openssl.ffi.addressof(_openssl.lib, name) for name in names)
        self._tls = _Tls(*map(_address, functions))

    def pump(self, seconds: float, most_writes: int = MOST_WRITES) -> Pumped:
        """Send for so long, and wait for the rest; Incomplete when it does not arrive."""
        for group in self._groups:
            group.writes, group.arrived, group.offset = 0, 0, group.bytes
            group.maximum = most_writes
        outcome = _Outcome()
        self._library.pump(
            self._ends,
            len(self._ends),
            self._groups,
            len(self._groups),
            byref(self._tls),
            c_double(seconds),
            c_double(seconds + DRAIN_SECONDS),
            byref(outcome),
        )
        writes = sum(group.writes for group in self._groups)
        if outcome.broken:
            raise Incomplete("a connection was broken")
        if not outcome.whole or not writes:
            raise Incomplete(f"not all arrived within {DRAIN_SECONDS:.0f} s")
        return Pumped(writes * self._load.per_write * self._load.receivers, outcome.seconds)


def build(folder: Path) -> ctypes.CDLL:
    """Compile and load; needs a C compiler called cc."""
    library = folder / "generator.so"
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE],  # noqa: S607  whichever compiler is installed
        check=True,
        timeout=60,
    )
    loaded = ctypes.CDLL(str(library))
    loaded.pump.restype = None
    loaded.pump.argtypes = [
        POINTER(_End),
        c_int,
        POINTER(_Group),
        c_int,
        POINTER(_Tls),
        c_double,
        c_double,
        POINTER(_Outcome),
    ]
    return loaded


def _address(pointer: object) -> int:
    return int(_openssl.ffi.cast("uintptr_t", pointer))
