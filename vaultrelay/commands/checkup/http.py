"""One HTTP/1.1 request and its answer, for `vault-relay check`; an upgrade counts as an answer."""

import ssl
from dataclasses import dataclass
from typing import Any

import h11
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from vaultrelay.client.device import RelayUrl, endpoint_of
from vaultrelay.commands.checkup.probe import ANSWER_SECONDS
from vaultrelay.policy.addresses import IpAddress, read_address

BODY_BYTES = 64 * 1024
"""More than any relay or proxy sends to a device. Any more is not read."""
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "X-VaultMesh-Protocol": "3",
    # HAProxy in front of several relays refuses upgrades without a channel.
    "X-VaultMesh-Channel": "A" * 43,
}
"""Of a device. The key is no secret, the channel is nobody's, and the connection ends here."""
SWITCHED = 101
_TLS_ALERT = b"\x15\x03"
_FRAME_HEAD_BYTES = 9
_SETTINGS, _GOAWAY = 4, 7


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, and the addresses of both ends of its connection."""

    status: int
    headers: dict[str, str]
    body: bytes
    here: IpAddress | None
    there: IpAddress | None

    def header(self, name: str) -> str:
        """Return the value of a field; empty if it is missing."""
        return self.headers.get(name, "")


class NotHttp(Exception):
    """The server does not speak HTTP/1.1. The text is for people, cure included."""


async def ask(reactor: Any, url: RelayUrl, path: str, headers: dict[str, str]) -> Answer:
    """Return the answer to GET. Raises NotHttp, TimeoutError, SSL errors or Twisted's
    ConnectionLost."""
    fields = {"Host": url.authority, "Connection": "close", **headers}
    if url.authorization is not None:
        fields["Authorization"] = url.authorization
    request = h11.Request(method="GET", target=path, headers=list(fields.items()))
    tls = None
    if url.scheme == "wss":
        tls = ssl.create_default_context()
        tls.set_alpn_protocols(["http/1.1"])
    protocol: Any = await endpoint_of(reactor, url, tls).connect(
        Factory.forProtocol(lambda: _Asker(request))
    )
    answer: Answer = await protocol.done.addTimeout(ANSWER_SECONDS, reactor)
    return answer


class _Asker(Protocol):
    """Sends a request, takes the answer, and closes the connection."""

    transport: Any

    def __init__(self, request: h11.Request) -> None:
        self.done: Deferred[Answer] = Deferred(lambda _: self.transport.abortConnection())
        self._request = request
        self._http = h11.Connection(h11.CLIENT)
        self._first = b""
        self._head: h11.Response | h11.InformationalResponse | None = None
        self._body = b""
        self._trouble: Exception | None = None

    def connectionMade(self) -> None:
        # At the end of the connection the addresses are no longer known.
        here, there = self.transport.getHost(), self.transport.getPeer()
        self._ends = read_address(here.host), read_address(there.host)
        whole = self._http.send(self._request), self._http.send(h11.EndOfMessage())
        self.transport.write(b"".join(part for part in whole if part))

    def dataReceived(self, data: bytes) -> None:
        if len(self._first) < _FRAME_HEAD_BYTES:
            self._first = (self._first + data)[:_FRAME_HEAD_BYTES]
        if self._first.startswith(_TLS_ALERT):
            self._end(NotHttp("This port speaks TLS. The URL begins with wss://."))
        elif _is_http_2(self._first):
            self._end(
                NotHttp(
                    "HTTP/2 answers here, and WebSockets need HTTP/1.1: let the proxy speak "
                    "HTTP/1.1 on this port as well."
                )
            )
        else:
            self._read(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if self._trouble is None and self._head is not None:
            self.done.callback(self._answer(self._head))
        elif isinstance(reason.value, ssl.SSLError):
            self.done.errback(reason)
        else:
            self.done.errback(self._trouble or ConnectionLost())

    def _read(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while True:
                event = self._http.next_event()
                if isinstance(event, h11.Response):
                    self._head = event
                elif isinstance(event, h11.InformationalResponse):
                    self._head = event if event.status_code == SWITCHED else None
                elif isinstance(event, h11.Data):
                    self._body += event.data
                elif event is h11.NEED_DATA and len(self._body) < BODY_BYTES:
                    return
                else:
                    break
        except h11.RemoteProtocolError:
            self._end(
                NotHttp("Something answers here that does not speak HTTP: is the port right?")
            )
        else:
            self._end()

    def _end(self, trouble: Exception | None = None) -> None:
        self._trouble = trouble
        self.transport.abortConnection()

    def _answer(self, head: h11.Response | h11.InformationalResponse) -> Answer:
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in reversed(head.headers)
        }
        return Answer(head.status_code, headers, self._body[:BODY_BYTES], *self._ends)


def _is_http_2(first: bytes) -> bool:
    """Return whether `first` begins an HTTP/2 frame of the whole connection: SETTINGS or GOAWAY."""
    return (
        len(first) >= _FRAME_HEAD_BYTES
        and first[0] == 0
        and first[3] in (_SETTINGS, _GOAWAY)
        and first[5:_FRAME_HEAD_BYTES] == bytes(4)
    )
