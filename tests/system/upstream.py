"""Upstream: stands for the relay behind a proxy; hears a request head, and gives a set answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer


class Upstream(ThreadingTCPServer):
    """Keeps every head that came, with what stood before it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heads: list[bytes] = []
        self.answer = b""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseRequestHandler):
    server: Upstream

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (some := self.request.recv(1 << 16)):
                return
            head += some
        self.server.heads.append(head)
        self.request.sendall(self.server.answer)


@contextmanager
def upstream() -> Iterator[Upstream]:
    """One that listens on a port of its own."""
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
