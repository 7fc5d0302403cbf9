"""HTTP over blocking sockets: one request, for threads and for commands without a reactor."""

import socket
import ssl
import time

from vaultrelay.policy.limits.admin import NODE_STATUS_BYTES
from vaultrelay.policy.tls_reasons import CURES, describe_tls_reason
from vaultrelay.wire.answer import Answer, AnswerReader, NotHttp

_READ_BYTES = 16 * 1024

Failure = OSError | UnicodeError | NotHttp
"""The exceptions of a request without an answer."""


def connect_tcp(host: str, port: int, seconds: float, *, with_tls: bool) -> socket.socket:
    """Return a connection, with TLS if the certificate is valid for the host. Raises OSError."""
    peer = socket.create_connection((host, port), seconds)
    if not with_tls:
        return peer
    try:
        return ssl.create_default_context().wrap_socket(peer, server_hostname=host)
    except BaseException:
        peer.close()
        raise


def connect_unix(path: str, seconds: float) -> socket.socket:
    """Return a connection to a unix socket. Raises OSError."""
    if not hasattr(socket, "AF_UNIX"):  # Windows
        raise OSError("this system has no unix sockets")
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(seconds)
    try:
        peer.connect(path)
    except BaseException:
        peer.close()
        raise
    return peer


def http_get(
    peer: socket.socket, host: str, path: str, seconds: float, method: str = "GET"
) -> Answer:
    """Return the answer within `seconds`, and close the connection. Redirects are not followed.

    Raises OSError, TimeoutError among them, and NotHttp.
    """
    headers = {"Host": host, "Connection": "close"}
    if method != "GET":
        headers["Content-Length"] = "0"
    reader = AnswerReader(path, headers, NODE_STATUS_BYTES, method)
    deadline = time.monotonic() + seconds
    with peer:
        peer.sendall(reader.request)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            peer.settimeout(left)
            answer = reader.feed(peer.recv(_READ_BYTES))
            if answer is not None:
                return answer


def explain_failure(error: Failure) -> str:
    """Return why there is no answer, with the cure if that follows from the error."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is refused: {error.verify_message}"
        case ssl.SSLError():
            cure = CURES.get(error.reason or "", "Does the server speak TLS there?")
            return f"TLS fails: {describe_tls_reason(error.reason)}. {cure}"
        case UnicodeError():
            return "no answer: this is not a host name"
        case NotHttp():
            return str(error)
    cause = error.strerror or str(error) or type(error).__name__
    return f"no answer: {cause.lower()}"
