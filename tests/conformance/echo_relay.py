"""An echo server on the relay's own request dispatcher and frame layer, for the Autobahn|Testsuite.

Its cases send text and binary of up to 16 MiB and want them back, so the session is one that echoes
and the limits of our protocol are lifted; what reads and writes frames is the relay's. Prints the
port, and runs until it is told to stop.
"""

import sys
from typing import Any

from twisted.internet import reactor

from tests.recorded_log import RecordedLog
from vaultrelay.broker.outbox import Outbox
from vaultrelay.broker.stages import Stage
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.pending import LISTEN_BACKLOG
from vaultrelay.transport.client_budgets import PendingClient
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.hub import make_hub
from vaultrelay.transport.listening_service import ListeningService
from vaultrelay.transport.listening_socket import TcpAddress
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import RouteResult
from vaultrelay.websocket import fragmented_message, receiver
from vaultrelay.websocket.admitted_upgrade import AdmittedUpgrade
from vaultrelay.websocket.factory import DeviceFactory
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import HEADER_BYTES
from vaultrelay.wire.request import Request
from vaultrelay.wire.upgrade import Upgrade

MESSAGE_BYTES = 64 * 1024 * 1024


class EchoSession:
    """Stands in for a session that has joined: everything goes back to its device."""

    stage = Stage.JOINED
    channel = object()

    def __init__(self, outbox: Outbox, named_channel: bytes | None, budget: object) -> None:
        self._outbox = outbox

    def data_received(self, messages: list[bytes], start: int = 0) -> int:
        message = messages[start]
        if len(message) < HEADER_BYTES:
            # No session relays it, so `deliver` never gets it.
            self._outbox.send_answer(message)
        else:
            self._outbox.deliver([message])
        return start + 1

    def text_received(self, text: bytes) -> None:
        self._outbox.send_control(text)

    def close(self, code: CloseCode, **details: object) -> None:
        self._outbox.close(code.number, code.reason(**details))

    def frame_received(self) -> None:
        pass

    def ping_received(self) -> None:
        pass

    def queue_full(self) -> None:
        pass

    def hold_sender(self, sender: object) -> None:
        pass

    def queue_drained(self) -> None:
        pass

    def connection_lost(self, clean: bool) -> None:
        pass


def main() -> None:
    """Listen on a free port of loopback."""
    clock: Any = reactor
    lifted: Any
    for lifted in (fragmented_message, receiver):
        lifted.CONTROL_BYTES = lifted.FRAGMENTS_PER_MESSAGE = MESSAGE_BYTES
    open_session: Any = EchoSession
    ledger, log = Ledger(1 << 30), RecordedLog()
    devices = DeviceFactory(
        reactor=clock,
        open_session=open_session,
        message_bytes=MESSAGE_BYTES,
        ledger=ledger,
        log=log,
    )

    def route(request: Request, client: PendingClient) -> RouteResult:
        key = request.header("sec-websocket-key") or ""
        device = devices.buildProtocol(AdmittedUpgrade(Upgrade(3, key, None, None)))
        return RouteResult(device, b"", lasting=True)

    hub = make_hub(clock, ledger, log=log)
    hub.startService()
    dispatcher = DispatcherFactory(clock, route, log=log)
    endpoint = Endpoint(TcpAddress("127.0.0.1", 0, LISTEN_BACKLOG))
    service = ListeningService("tcp:0", endpoint, dispatcher, dispatcher.pending, hub)
    service.startService()
    port: Any = service.port
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()
    clock.run()


if __name__ == "__main__":
    main()
