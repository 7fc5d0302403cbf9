"""Autobahn without its handshake: nothing that it sets is missed, and a device takes little."""

import subprocess
import sys
import tracemalloc
from typing import Any

from autobahn.websocket.protocol import (
    WebSocketProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet.testing import StringTransport

from tests.frames import TEXT, client_frame
from tests.memory import UPGRADE, Relay
from vaultrelay.websocket.autobahn_guards import Silence
from vaultrelay.websocket.open_protocol import OpenProtocol, usual_attributes

OF_ITS_HANDSHAKE = {
    "http_headers",
    "http_request_data",
    "http_request_host",
    "http_request_params",
    "http_request_path",
    "http_request_uri",
    "http_response_data",
    "http_status_line",
    "websocket_extensions",
    "websocket_extensions_in_use",
    "websocket_origin",
    "websocket_protocol_in_use",
    "websocket_protocols",
    "_wskey",
}
"""What Autobahn keeps of the request and its answer, and does not look at any more."""
SHARED = {"send_queue", "trafficStats", "_valid_events", "_results"}
"""What could change, and would for all at once: it is counted and never read, or never used."""
OF_ITS_OWN = {"utf8validator", "is_open", "is_closed"}
"""What this relay has its own of; see OpenProtocol."""


class Stock(WebSocketServerProtocol):
    """Autobahn's own server, as far as it needs a framework."""

    log: Any = Silence()
    transport: Any
    factory: Any

    def _onConnect(self, request: Any) -> None:
        self.succeedHandshake(None)

    def _onOpen(self) -> None:
        pass


def stock_after_its_handshake() -> dict[str, Any]:
    """All that Autobahn sets on a connection until it is open, with the options of this relay."""
    stock = Stock()
    stock.factory = WebSocketServerFactory(server=None)
    stock.factory.setProtocolOptions(
        failByDrop=False, openHandshakeTimeout=0, closeHandshakeTimeout=0
    )
    stock.transport = StringTransport()
    stock._connectionMade()
    head = [f"{name}: {value}" for name, value in UPGRADE.items()]
    stock._dataReceived("\r\n".join(["GET / HTTP/1.1", *head, "", ""]).encode())
    assert stock.state == WebSocketProtocol.STATE_OPEN
    return vars(stock)


def test_it_begins_where_the_handshake_of_autobahn_ends() -> None:
    """A new release may set more: then this fails, and somebody looks at what it is."""
    ours = OpenProtocol()
    for name, value in stock_after_its_handshake().items():
        if name in OF_ITS_HANDSHAKE | OF_ITS_OWN | SHARED | {"factory", "transport"}:
            continue
        found = getattr(ours, name)
        same_kind = callable(value) and callable(found)
        assert found == value or same_kind, f"{name} is {found!r}, and {value!r} in Autobahn"


def test_only_what_cannot_change_is_shared() -> None:
    constants = (bool, int, float, str, bytes, tuple, type(None))
    options = set(WebSocketServerProtocol.CONFIG_ATTRS)
    changing = {
        name
        for name, value in usual_attributes().items()
        if not isinstance(value, constants) and name not in options
    }
    assert changing == SHARED | OF_ITS_OWN | {"_transport_details"}


def test_what_a_text_needs_is_gone_after_it() -> None:
    wire = Relay().join()
    first, rest = client_frame(TEXT, b'{"type":"keepalive"', fin=False), b', "ping_seconds":60}'
    wire.send(first)
    connection = wire.protocol
    assert "utf8validator" in vars(connection)
    wire.send(client_frame(0, rest))
    assert wire.control()["type"] == "keepalive"
    kept = {name for name, value in vars(connection).items() if value}
    assert kept <= {"connected", "message_is_binary", "utf8validateIncomingCurrentMessage"}


def test_the_texts_of_two_devices_do_not_mix() -> None:
    relay = Relay()
    first, second = relay.join(b"device-a"), relay.join(b"device-b")
    first.frames()
    euro = "€".encode()
    first.send(client_frame(TEXT, b'{"type":"keepalive","x":"' + euro[:1], fin=False))
    second.send(client_frame(TEXT, b'{"type":"keepalive","x":"' + euro[:2], fin=False))
    first.send(client_frame(0, euro[1:] + b'","ping_seconds":60}'))
    second.send(client_frame(0, euro[2:] + b'","ping_seconds":61}'))
    assert first.control()["ping_seconds"] == 60
    assert second.control()["ping_seconds"] == 61


def test_an_idle_device_takes_little() -> None:
    """Without its transport, which is not there: about 1.4 KB when this was written."""
    relay = Relay()
    for number in range(100):
        relay.join(number.to_bytes(8, "big"), seed=bytes([number // 2]) * 32)
    tracemalloc.start()
    try:
        wires = [
            relay.join(number.to_bytes(8, "big"), seed=bytes([number // 2]) * 32)
            for number in range(100, 200)
        ]
        relay.clock.advance(60)
        taken = tracemalloc.take_snapshot().filter_traces(
            [
                tracemalloc.Filter(True, "*/vaultrelay/*"),
                tracemalloc.Filter(True, "*/autobahn/*"),
                tracemalloc.Filter(True, "*/base64.py"),
            ]
        )
    finally:
        tracemalloc.stop()
    each = sum(trace.size for trace in taken.traces) / len(wires)
    assert each < 1800


def test_nothing_of_autobahn_for_twisted_is_loaded() -> None:
    asked = "import vaultrelay.websocket.factory, sys; print('autobahn.twisted' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
