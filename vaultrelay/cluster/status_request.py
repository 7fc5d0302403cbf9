"""The request for the status of a relay, to its admin endpoint."""

import socket
from http import HTTPStatus

from vaultrelay.cluster.answer import NodeAnswer, late
from vaultrelay.cluster.http_get import connect_tcp, connect_unix, explain_failure, http_get
from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.wire.answer import NotHttp

_PATH = "/status.json"


def request_status(url: NodeUrl, seconds: float) -> NodeAnswer:
    """Request the status of a relay.

    Blocks for at most `seconds` for the connection and for the complete answer each, and without a
    deadline for name lookups: call it in a thread.
    """
    path = _PATH if url.scheme == "unix" else url.path + _PATH
    try:
        answer = http_get(_connect(url, seconds), url.authority, path, seconds)
    except TimeoutError:
        return late(url, seconds)
    except (OSError, UnicodeError, NotHttp) as error:
        return NodeAnswer(url, None, explain_failure(error).rstrip("."))
    if answer.status == HTTPStatus.MISDIRECTED_REQUEST:
        why = f"it does not answer to {url.host}: use an IP address, or add --admin-host there"
    elif answer.status != HTTPStatus.OK:
        why = f"{_PATH} is answered with {answer.status}: is it a relay's admin endpoint?"
    else:
        try:
            return NodeAnswer(url, NodeStatus.read(answer.body))
        except ValueError:
            why = "the answer is not a status that this version can read"
    return NodeAnswer(url, None, why)


def _connect(url: NodeUrl, seconds: float) -> socket.socket:
    if url.scheme == "unix":
        return connect_unix(url.path, seconds)
    return connect_tcp(url.host, url.port, seconds, with_tls=url.scheme == "https")
