"""One GET over Twisted, for `vault-relay check`: to the first address that answers, as a device."""

import ssl
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vaultrelay.commands.checkup.probe import ANSWER_SECONDS
from vaultrelay.commands.checkup.tls_endpoint import device_context, endpoint_of
from vaultrelay.policy.addresses import IpAddress, read_address
from vaultrelay.wire.answer import Answer, AnswerReader, NoAnswer, NotHttp
from vaultrelay.wire.relay_url import RelayUrl

BODY_BYTES = 64 * 1024
"""More than any relay or proxy sends to a device. Any more is not read."""


class HttpGet(Protocol):
    """Sends a request, reads the answer, and closes the connection."""

    transport: Any

    def __init__(self, url: RelayUrl, path: str) -> None:
        self.done: Deferred[Answer] = Deferred(lambda _: self.transport.abortConnection())
        headers = {"Host": url.authority, "Connection": "close"}
        if url.authorization is not None:
            headers["Authorization"] = url.authorization
        self._reader = AnswerReader(path, headers, BODY_BYTES)
        self._outcome: Answer | Failure | None = None
        self.local: IpAddress | None = None
        self.remote: IpAddress | None = None

    def connectionMade(self) -> None:
        self.local = read_address(self.transport.getHost().host)
        self.remote = read_address(self.transport.getPeer().host)
        self.transport.write(self._reader.request)

    def dataReceived(self, data: bytes) -> None:
        self._feed(data)
        if self._outcome is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if isinstance(reason.value, ssl.SSLError):
            self._outcome = reason
        self._feed(b"")
        if not self.done.called and self._outcome is not None:
            self.done.callback(self._outcome)

    def _feed(self, data: bytes) -> None:
        if self._outcome is None:
            try:
                self._outcome = self._reader.feed(data)
            except (NotHttp, NoAnswer):
                self._outcome = Failure()


async def http_get(reactor: Any, url: RelayUrl, path: str) -> tuple[Answer, HttpGet]:
    """Return the answer, and its connection for the addresses of both ends.

    Raises NotHttp, TimeoutError, and the errors of the connection and of TLS.
    """
    tls = device_context("http/1.1") if url.scheme == "wss" else None
    factory = Factory.forProtocol(lambda: HttpGet(url, path))
    connection: Any = await endpoint_of(reactor, url, tls).connect(factory)
    return await connection.done.addTimeout(ANSWER_SECONDS, reactor), connection
