"""Handshakes of TLS that fail, and connections that begin with something else."""

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.transcripts.stream import WAIT_SECONDS, Stream
from tests.transcripts.world import Play, World

_DOWNGRADED = "DEFAULT@SECLEVEL=0"
"""Without it a client of today does not even offer TLS 1.1."""


def handshakes() -> Iterator[tuple[str, Play]]:
    """Those that are played to a relay with TLS, with a PROXY header or without."""
    for name, sent in _NO_HELLO.items():
        yield f"no client hello: {name}", _no_hello(sent)
    for name, change in _REFUSED.items():
        yield f"refused: {name}", _refused(change)
    for name, leave in (("FIN", Stream.half_close_raw), ("RST", Stream.reset)):
        for part in ("half a client hello", "the client hello"):
            yield f"{name} after {part}", _leaves(leave, part)


def begun(world: World) -> Stream:
    stream = world.dialled()
    stream.send_raw(world.line)
    return stream


_NO_HELLO = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a PROXY v1 header": b"PROXY TCP4 198.51.100.7 192.0.2.1 5000 443\r\n",
    "a PROXY v2 header": b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
    "zeros": bytes(64),
    "a plain alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "application data": b"\x17\x03\x03\x00\x10" + bytes(16),
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
    "a hello that is none": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
}


def _raw_end(sock: socket.socket) -> str:
    """What came below TLS until the end, in hexadecimal; the first line if it is HTTP."""
    got = b""
    sock.settimeout(WAIT_SECONDS)
    with suppress(ConnectionResetError):
        while part := sock.recv(1 << 16):
            got += part
    return got.partition(b"\r\n")[0].decode() if got.startswith(b"HTTP") else got.hex()


def _no_hello(sent: bytes) -> Play:
    def play(world: World) -> None:
        stream = begun(world)
        stream.send_raw(sent)
        stream.half_close_raw()
        world.note(f"raw: {_raw_end(stream.sock)}")

    return play


def _old_version(context: ssl.SSLContext) -> None:
    context.set_ciphers(_DOWNGRADED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def _other_suites(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA256")


def _distrust(context: ssl.SSLContext) -> None:
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _another_protocol(context: ssl.SSLContext) -> None:
    context.set_alpn_protocols(["h2"])


_REFUSED = {
    "TLS 1.1": _old_version,
    "suites that are not offered": _other_suites,
    "a client that does not trust": _distrust,
    "ALPN without HTTP/1.1": _another_protocol,
}


def _refused(change: Callable[[ssl.SSLContext], None]) -> Play:
    def play(world: World) -> None:
        context = world.server.client_tls()
        change(context)
        stream = world.dialled(context)
        stream.send_raw(world.line)
        stream.handshake()
        world.note(f"handshake: {stream.end or 'done'}")
        if not stream.end:
            stream.send(world.vault.head())
            world.read(stream)

    return play


def _leaves(leave: Callable[[Stream], None], part: str) -> Play:
    def play(world: World) -> None:
        stream = begun(world)
        hello = stream.hello()
        stream.send_raw(hello[: len(hello) // 2] if "half" in part else hello)
        leave(stream)
        if leave is Stream.reset:
            # "tls_left" or "tls_other": whether the relay reads the hello before the reset varies.
            world.uncounted = ("vaultrelay_handshakes",)

    return play
