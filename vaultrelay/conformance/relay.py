"""ScriptedRelay: the listening side of one case."""

import ssl
from contextlib import suppress
from socket import socket
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory

from vaultrelay.conformance.limits import MAX_CONNECTIONS, MAX_POLL_SECONDS
from vaultrelay.conformance.pulse import Pulse
from vaultrelay.conformance.relay_connection import RelayConnection
from vaultrelay.conformance.relay_tls import TlsConnection
from vaultrelay.conformance.transcript import Transcript


class ScriptedRelay(ServerFactory):
    """Accepts connections on a free port of 127.0.0.1; the case decides what each is told."""

    noisy = False

    def __init__(self, reactor: Any, pulse: Pulse, transcript: Transcript) -> None:
        self._pulse = pulse
        self._transcript = transcript
        self.connections: list[RelayConnection] = []
        self._port = reactor.listenTCP(0, self, interface="127.0.0.1")
        self.port: int = self._port.getHost().port
        self._is_listening = True
        self._held: socket | None = None
        self.context: ssl.SSLContext | None = None
        """TLS for further connections; None for none."""

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        if len(self.connections) >= MAX_CONNECTIONS:
            return None
        number = len(self.connections) + 1
        connection = RelayConnection(
            self._pulse, lambda side, text: self._transcript.record(f"{side} {number}", text)
        )
        self.connections.append(connection)
        return connection if self.context is None else TlsConnection(self.context, connection)

    async def refuse(self) -> None:
        """Let the system refuse further connections, and keep the port from other programs."""
        await self._stop_listening()
        self._held = socket()
        # Another program may have been faster; then the case fails, and no more.
        with suppress(OSError):
            self._held.bind(("127.0.0.1", self.port))

    async def stop(self) -> None:
        """Close the port, and end all connections."""
        await self._stop_listening()
        if self._held is not None:
            self._held.close()
        for connection in self.connections:
            connection.drop()
        while not all(connection.is_over for connection in self.connections):
            await self._pulse.wait(MAX_POLL_SECONDS)

    async def _stop_listening(self) -> None:
        if self._is_listening:
            self._is_listening = False
            await self._port.stopListening()
