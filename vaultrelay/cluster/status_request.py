"""Requests for the status of a relay, to its admin endpoint."""

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.bounded_answer import BoundedAnswer
from vaultrelay.cluster.status import NodeStatus
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.policy.limits import NODE_STATUS_BYTES
from vaultrelay.policy.tls_reasons import CURES, describe_tls_reason

_OK, _MISDIRECTED = 200, 421
_PATH = "/status.json"


class _NoAnswer(Exception):
    """A relay did not return a status; the text is the reason."""


def ask(url: NodeUrl, seconds: float) -> NodeAnswer:
    """Request the status of a relay.

    Blocks for at most `seconds` for the connection and for the complete answer each, and without a
    deadline for name lookups: call it in a thread.
    """
    try:
        return NodeAnswer(url, _status(url, seconds))
    except _NoAnswer as error:
        return NodeAnswer(url, None, str(error))


def _status(url: NodeUrl, seconds: float) -> NodeStatus:
    connection = _connection(url, seconds)
    try:
        connection.request("GET", _PATH if url.scheme == "unix" else url.path + _PATH)
        page = connection.getresponse()
        body = page.read(NODE_STATUS_BYTES)
    except TimeoutError:
        raise _NoAnswer(late(url, seconds).why) from None
    except ssl.SSLCertVerificationError as error:
        raise _NoAnswer(f"its certificate is refused: {error.verify_message}") from None
    except ssl.SSLError as error:
        cure = CURES.get(error.reason or "", "")
        raise _NoAnswer(
            f"TLS fails: {describe_tls_reason(error.reason)}. {cure}".rstrip(". ")
        ) from None
    except OSError as error:
        cause = error.strerror or str(error) or type(error).__name__
        raise _NoAnswer(f"no answer: {cause.lower()}") from None
    except UnicodeError:
        raise _NoAnswer("no answer: this is no host name") from None
    except HTTPException:
        raise _NoAnswer("what answers there is not a relay's admin endpoint") from None
    finally:
        connection.close()
    if page.status == _MISDIRECTED:
        raise _NoAnswer(
            f"it does not answer to {url.host}: use an IP address, or add --admin-host there"
        )
    if page.status != _OK:
        raise _NoAnswer(f"{_PATH} is answered with {page.status}: is it a relay's admin endpoint?")
    try:
        return NodeStatus.read(body)
    except ValueError:
        raise _NoAnswer("what answers there is not a status that this version can read") from None


def _connection(url: NodeUrl, seconds: float) -> HTTPConnection:
    connection: HTTPConnection
    if url.scheme == "unix":
        connection = _UnixConnection(url.path, seconds)
    else:
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.host, url.port, timeout=seconds)
    connection.response_class = BoundedAnswer
    return connection


class _UnixConnection(HTTPConnection):
    """HTTP through a unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._socket_path = path

    def connect(self) -> None:
        if not hasattr(socket, "AF_UNIX"):  # Windows
            raise OSError("this system has no unix sockets")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)
