"""Calls between connections in one round, and what a transport says about itself."""

import socket
import time
from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IConsumer,
    IPushProducer,
    ISSLTransport,
    ISystemHandle,
    ITCPTransport,
    ITransport,
)

from tests.streams.case import ABORTED_AS_LOST, CLEAR, TCP, TLS, case, differs
from tests.streams.cases_bytes import ANSWER, MUCH
from tests.streams.probe import Probe
from tests.streams.wire import Wire
from tests.streams.world import SMALL_WINDOW, World


async def _pair(world: World) -> list[tuple[Wire, Probe]]:
    return [await world.connect() for _ in range(2)]


async def _send_in_one_round(world: World, wires: list[Wire]) -> None:
    """Let bytes of all be there before the reactor looks again."""
    await world.turns(1)
    for wire in wires:
        # From the reactor's own thread: nothing is served meanwhile.
        wire.send(b"data")
    await world.turns()


@case()
async def a_stream_paused_by_another_in_the_same_round_receives_nothing(world: World) -> None:
    (wire, first), (other, second) = await _pair(world)
    first.on_data = lambda *_: second.transport.pauseProducing()
    second.on_data = lambda *_: first.transport.pauseProducing()
    await _send_in_one_round(world, [wire, other])
    assert sorted([first.received, second.received]) == [b"", b"data"]
    paused = second if first.received else first
    paused.on_data = lambda *_: None
    paused.transport.resumeProducing()
    await world.until(lambda: paused.received == b"data")


@case(differs=ABORTED_AS_LOST)
async def a_stream_aborted_by_another_in_the_same_round_receives_nothing(world: World) -> None:
    (wire, first), (other, second) = await _pair(world)
    first.on_data = lambda *_: second.transport.abortConnection()
    second.on_data = lambda *_: first.transport.abortConnection()
    await _send_in_one_round(world, [wire, other])
    assert sorted([first.calls, second.calls]) == [["data"], ["lost"]]
    assert first.reasons + second.reasons == [ConnectionAborted]


@case(CLEAR, differs=differs(CLEAR, "a reactor still serves what it has polled before"))
async def a_stream_closed_by_another_in_the_same_round_receives_nothing(world: World) -> None:
    (wire, first), (other, second) = await _pair(world)
    first.on_data = lambda *_: second.transport.loseConnection()
    second.on_data = lambda *_: first.transport.loseConnection()
    await _send_in_one_round(world, [wire, other])
    assert sorted([first.calls, second.calls]) == [["data"], ["lost"]]
    assert first.reasons + second.reasons == [ConnectionDone]


@case()
async def a_stream_writes_to_many_others_from_within_data_received(world: World) -> None:
    others = [await world.connect(window=SMALL_WINDOW) for _ in range(5)]

    def spread(source: Probe, data: bytes) -> None:
        for _, other in others:
            other.transport.writeSequence([b"<", data])
            other.transport.write(b">")

    wire, source = await world.connect(Probe(data=spread))
    await world.thread(wire.send, MUCH)
    await world.until(lambda: len(source.received) == len(MUCH))
    expected = b"".join(b"<" + piece + b">" for piece in source.pieces)
    for to, _ in others:
        assert await world.thread(to.receive, len(expected)) == expected


@case(differs=ABORTED_AS_LOST)
async def a_loss_may_write_to_and_end_others(world: World) -> None:
    (to, heir), (_, victim) = await _pair(world)

    def bequeath(*_: object) -> None:
        heir.transport.write(b"everything")
        victim.transport.abortConnection()

    wire, _ = await world.connect(Probe(lost=bequeath))
    await world.thread(wire.leave)
    assert await world.thread(to.receive, 10) == b"everything"
    await world.until(lambda: victim.reasons)
    assert victim.reasons == [ConnectionAborted]


@case(differs=differs(TLS, "abortConnection raises after the loss"))
async def a_new_connection_with_an_old_number_is_another_one(world: World) -> None:
    """Descriptor numbers are given anew as soon as they are free."""
    for round_number in range(20):
        wire, probe = await world.connect()
        transport = probe.transport
        ended: Any = wire.leave if round_number % 2 else transport.abortConnection
        await world.thread(wire.leave) if ended == wire.leave else ended()
        await world.until(lambda: probe.reasons)  # noqa: B023
        after, next_probe = await world.connect()
        transport.write(b"from the dead")
        transport.pauseProducing()
        transport.loseConnection()
        transport.abortConnection()
        await world.thread(after.send, b"alive")
        await world.until(lambda: next_probe.received == b"alive")  # noqa: B023
        next_probe.transport.write(b"alive")
        assert await world.thread(after.receive, 5) == b"alive"


@case()
async def addresses_are_twisteds(world: World) -> None:
    wire, probe = await world.connect()
    host, peer = probe.transport.getHost(), probe.transport.getPeer()
    if world.kind == "unix":
        assert host == UNIXAddress(world.address.encode())
        assert isinstance(peer, UNIXAddress)
    else:
        assert host == IPv4Address("TCP", *world.address)
        assert peer == IPv4Address("TCP", *wire.socket.getsockname())


@case()
async def the_peer_is_known_in_connection_lost_and_after_it(world: World) -> None:
    wire, probe = await world.connect()
    transport, before = probe.transport, probe.transport.getPeer()
    found: list[Any] = []
    probe.on_lost = lambda *_: found.append(transport.getPeer())
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)
    assert [*found, transport.getPeer()] == [before, before]


@case()
async def disconnecting_says_that_a_close_waits(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    transport = probe.transport
    assert not transport.disconnecting
    transport.write(ANSWER)
    transport.loseConnection()
    assert transport.disconnecting
    await world.thread(wire.receive_all)
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)


@case(differs=differs(("unix",), "unix.Server inherits what tcp.Server provides"))
async def it_says_what_it_is(world: World) -> None:
    _, probe = await world.connect()
    transport: Any = probe.transport
    assert ITransport.providedBy(transport)
    assert IConsumer.providedBy(transport)
    assert IPushProducer.providedBy(transport)
    assert ISSLTransport.providedBy(transport) == world.is_tls
    assert ITCPTransport.providedBy(transport) == (world.kind in TCP)
    if not world.is_tls:
        assert ISystemHandle.providedBy(transport)
        handle: Any = transport.getHandle()
        assert handle.fileno() >= 0


@case(differs=differs(("unix",), "unix.Server inherits the options of tcp.Server"))
async def options_of_tcp_are_those_of_the_socket(world: World) -> None:
    _, probe = await world.connect()
    transport = probe.transport
    if world.kind == "unix":
        for name in ("setTcpNoDelay", "getTcpNoDelay", "setTcpKeepAlive", "getTcpKeepAlive"):
            assert not hasattr(transport, name)
        return
    for enabled in (True, False, True):
        transport.setTcpNoDelay(enabled)
        transport.setTcpKeepAlive(enabled)
        assert transport.getTcpNoDelay() == enabled
        assert transport.getTcpKeepAlive() == enabled
    if world.hub is not None:
        assert transport.getHandle().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@case()
async def a_slow_callback_delays_but_loses_nothing(world: World) -> None:
    wire, probe = await world.connect(Probe(data=lambda *_: time.sleep(0.002)))
    sending = world.thread(wire.send, MUCH)
    await world.until(lambda: len(probe.received) == len(MUCH))
    await sending
    assert probe.received == MUCH
