"""Lean imports beside the code of others: Autobahn's classes work, plugins meet real modules."""

from pathlib import Path

import pytest

from tests.app.lean import LEAN, RELAY, run


@pytest.mark.parametrize("before", [LEAN, ""])
def test_autobahns_classes_talk_with_and_without_it(before: str) -> None:
    code = """
from autobahn.twisted import websocket
from twisted.internet.testing import MemoryReactorClock, StringTransport

class Echo(websocket.WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)

class Caller(websocket.WebSocketClientProtocol):
    def onOpen(self):
        self.sendMessage(b"echo", isBinary=True)

    def onMessage(self, payload, isBinary):
        print(payload, isBinary)

sides = []
for factory, protocol in (
    (websocket.WebSocketServerFactory, Echo), (websocket.WebSocketClientFactory, Caller)
):
    side = factory("ws://localhost", reactor=MemoryReactorClock())
    side.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)
    side.protocol = protocol
    sides.append((side.buildProtocol(None), StringTransport()))
for side, transport in sides:
    side.makeConnection(transport)
(server, to_client), (client, to_server) = sides
for _ in range(9):
    for source, target in ((to_server, server), (to_client, client)):
        data = source.value()
        source.clear()
        if data:
            target.dataReceived(data)
"""
    assert run(before + code) == "b'echo' True\n"


@pytest.mark.parametrize("before", ["", "import twisted.plugins\n"], ids=["relay", "twistd"])
def test_a_plugin_of_a_third_party_meets_real_modules_only(tmp_path: Path, before: str) -> None:
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "third_party.py").write_text(
        """
import asyncio
import click
import OpenSSL.SSL
import ctypes
from autobahn.twisted.wamp import Session
from autobahn.twisted.websocket import WampWebSocketServerFactory
from autobahn.wamp import types
from autobahn.wamp.websocket import WampWebSocketFactory
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from twisted.spread import pb
from zope.interface import implementer

assert asyncio.get_event_loop_policy and pb.Root and click.Command and types.CallOptions and Session
assert ctypes.CDLL and issubclass(WampWebSocketServerFactory, WampWebSocketFactory)


@implementer(IStreamServerEndpointStringParser, IPlugin)
class Parser:
    prefix = "third"

    def parseStreamServer(self, reactor, port):
        return TCP4ServerEndpoint(reactor, int(port))


parser = Parser()
"""
    )
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
{before}{LEAN}{RELAY}
from twisted.internet.testing import MemoryReactorClock
from vaultrelay.transport.endpoint_string import read_endpoint
print(type(sys.modules["asyncio"]).__name__)
print(type(read_endpoint(MemoryReactorClock(), "third:0").where).__name__)
print(type(sys.modules["asyncio"]).__name__)
"""
    assert run(code).split() == ["_StandIn", "TCP4ServerEndpoint", "module"]
