"""h11 as the oracle of request heads."""

import h11

from vaultrelay.wire.request_parser import ParsedHead


def by_h11(head: bytes) -> ParsedHead | None:
    """Return h11's reading of a head, with the lines of a field joined; None if it is refused."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head) + 1)
    try:
        connection.receive_data(head)
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Request):
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in event.headers:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return ParsedHead(event.method, event.target, event.http_version, headers)
