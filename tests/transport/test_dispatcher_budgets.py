"""A connection whose client is known late has to go for others of that client's network."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.recorded_log import RecordedLog
from tests.transport.test_request_dispatcher import CLIENT, HEAD, Recorder
from vaultrelay.policy.budgets import BudgetBook
from vaultrelay.policy.limits.pending import PENDING_GRACE_SECONDS, PENDING_PER_ADDRESS
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.client_budgets import PendingClients
from vaultrelay.transport.pending_connections import PendingConnections
from vaultrelay.transport.request_dispatcher import DispatcherFactory
from vaultrelay.transport.route import RouteResult

PROXY = IPv4Address("TCP", "10.0.0.1", 50000)
FORWARDED = HEAD[:-2] + b"X-Forwarded-For: %s\r\n\r\n" % CLIENT.host.encode()


def known_by_preamble(door: Any) -> bool:
    return bool(door.client_known(CLIENT))


def known_without_it(door: Any) -> bool:
    return bool(door.proxy_header_missing(CLIENT))


def known_by_request(door: Any) -> bool:
    door.dataReceived(FORWARDED)
    return b"429" not in door.transport.value()


@pytest.mark.parametrize("learn", [known_by_preamble, known_without_it, known_by_request])
def test_the_oldest_of_a_client_that_is_known_late_goes(learn: Callable[[Any], bool]) -> None:
    clock: Any = Clock()
    pending = PendingConnections(clock)
    clients = PendingClients(clock, book=BudgetBook(10), make_room=pending.evict_oldest)
    clients.configure(TrustedProxies.read(["10.0.0.0/24"]))
    factory = DispatcherFactory(
        clock,
        lambda request, client: RouteResult(Recorder(), b"", lasting=False),
        pending=pending,
        clients=clients,
        log=RecordedLog(),
    )

    def connect() -> Any:
        door: Any = factory.buildProtocol(PROXY)
        door.makeConnection(StringTransport(peerAddress=PROXY))
        return door

    other, *doors = [connect() for _ in range(1 + PENDING_PER_ADDRESS)]
    stay = [learn(door) for door in doors]
    assert all(stay)
    late = connect()
    clock.advance(PENDING_GRACE_SECONDS)
    assert learn(late)
    cut_off = [door for door in (other, *doors, late) if door.transport.disconnected]
    assert cut_off == doors[:1]
    for door in (other, *doors, late):
        door.connectionLost()
    assert len(factory.pending) == 0
