"""The network in memory fails attempts and pauses producers as Twisted's TCP does."""

from collections.abc import Awaitable
from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.internet.testing import StringTransport

from tests.clients.network import HERE, HIGH_WATER_BYTES, Network


class Reader(Protocol):
    """Keeps what it reads."""

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


def dial(network: Network, port: int, host: str = HERE) -> Deferred[Any]:
    return TCP4ClientEndpoint(network, host, port).connect(Factory.forProtocol(Reader))


async def result_of(attempt: Awaitable[Any]) -> None:
    await attempt


def test_nothing_listens() -> None:
    network = Network()
    with pytest.raises(error.ConnectionRefusedError):
        network.run(result_of(dial(network, 1)))


def test_a_host_is_unknown() -> None:
    network = Network()
    with pytest.raises(error.DNSLookupError):
        network.run(result_of(dial(network, 1, "relay.invalid")))


def test_an_attempt_is_stopped() -> None:
    network = Network()
    attempt = dial(network, 1)
    attempt.cancel()
    with pytest.raises(error.ConnectingCancelledError):
        network.run(result_of(attempt))
    assert not network.getDelayedCalls()


def test_a_producer_is_paused_until_all_is_read() -> None:
    network, accepted, producer = Network(), Reader(), StringTransport()
    port = network.listenTCP(0, Factory.forProtocol(lambda: accepted)).getHost().port

    async def exchange() -> None:
        connected = await dial(network, port)
        connected.transport.registerProducer(producer, True)
        connected.transport.write(b"." * (3 * HIGH_WATER_BYTES))
        assert producer.producerState == "paused"
        while len(accepted.received) < 3 * HIGH_WATER_BYTES:
            await deferLater(network, 0)
        assert producer.producerState == "producing"

    network.run(exchange())
