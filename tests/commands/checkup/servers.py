"""Servers that answer in one fixed way, whatever they are asked, each in a thread of its own."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

_READ_BYTES = 64 * 1024


@contextmanager
def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Says the same to everybody, and hangs up; the port of it."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                taken, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError), taken:
                end = taken if tls is None else tls.wrap_socket(taken, server_side=True)
                with end:
                    if end.recv(_READ_BYTES):
                        end.sendall(answer)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        # A close alone wakes nobody who waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def page(status: str, *headers: str, body: str = "") -> bytes:
    """An HTTP answer."""
    length = f"Content-Length: {len(body)}"
    return "\r\n".join([f"HTTP/1.1 {status}", length, *headers, "", body]).encode("latin-1")
