"""Producers: push and pull, and a stream as a producer itself."""

import io
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.protocols.basic import FileSender

from tests.streams.case import TCP, TLS, case, differs
from tests.streams.cases_bytes import ANSWER, MUCH
from tests.streams.probe import Probe, Producer
from tests.streams.world import SMALL_WINDOW, World

_LAST_IS_LOST = differs(TLS, "BufferingTLSTransport closes before its producer is unregistered")
FILE = ANSWER[: 5 << 20]


@case()
async def a_push_producer_is_paused_and_resumed(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.registerProducer(Producer(probe), True)
    probe.transport.write(ANSWER)
    await world.turns()
    assert set(probe.calls) == {"pause"}
    assert await world.thread(wire.receive, len(ANSWER)) == ANSWER
    await world.until(lambda: probe.calls[-1] == "resume")
    assert probe.calls.count("resume") == 1
    probe.transport.unregisterProducer()


@case()
async def a_push_producer_that_writes_when_resumed_sends_all(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    pieces = [ANSWER[at : at + 300_000] for at in range(0, len(ANSWER), 300_000)]
    producer = Producer(probe)

    def send(_: Producer) -> None:
        is_paused = False
        while pieces and not is_paused:
            before = len(probe.calls)
            probe.transport.write(pieces.pop(0))
            is_paused = "pause" in probe.calls[before:]
        if not pieces:
            probe.transport.unregisterProducer()
            probe.transport.loseConnection()

    producer.on_resume = send
    probe.transport.registerProducer(producer, True)
    send(producer)
    assert await world.thread(wire.receive_all) == ANSWER


@case(differs=_LAST_IS_LOST)
async def a_close_waits_for_a_paused_push_producer(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    transport = probe.transport

    def finish(_: Producer) -> None:
        transport.write(b"the last of it")
        transport.unregisterProducer()

    transport.registerProducer(Producer(probe, resume=finish), True)
    transport.write(ANSWER)
    transport.loseConnection()
    assert await world.thread(wire.receive_all) == ANSWER + b"the last of it"


@case(differs=_LAST_IS_LOST)
async def a_close_waits_until_a_resumed_push_producer_is_unregistered(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.registerProducer(Producer(probe), True)
    probe.transport.write(ANSWER)
    probe.transport.loseConnection()
    assert await world.thread(wire.receive, len(ANSWER)) == ANSWER
    await world.until(lambda: probe.calls[-1] == "resume")
    await world.turns()
    assert not probe.reasons
    probe.transport.write(b"the last of it")
    probe.transport.unregisterProducer()
    assert await world.thread(wire.receive_all) == b"the last of it"


@case(differs=differs(TLS, "TLSMemoryBIOProtocol waits for every producer"))
async def a_close_does_not_wait_for_a_push_producer_that_was_never_paused(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.registerProducer(Producer(probe), True)
    probe.transport.write(b"the last of it")
    probe.transport.loseConnection()
    assert await world.thread(wire.receive_all) == b"the last of it"
    await world.until(lambda: probe.reasons)


@case()
async def a_producer_is_stopped_once_before_the_loss(world: World) -> None:
    for is_push in (True, False):
        wire, probe = await world.connect(window=SMALL_WINDOW)
        probe.transport.registerProducer(Producer(probe), is_push)
        await world.turns()
        await world.thread(wire.close)
        await world.until(lambda: probe.reasons)  # noqa: B023
        assert probe.calls[-2:] == ["stop", "lost"]
        assert probe.calls.count("stop") == 1


@case()
async def an_aborted_producer_is_stopped_once(world: World) -> None:
    _, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.registerProducer(Producer(probe), True)
    probe.transport.write(ANSWER)
    probe.forget()
    probe.transport.abortConnection()
    assert not probe.calls
    await world.until(lambda: probe.reasons)
    assert probe.calls == ["stop", "lost"]


@case()
async def a_pull_producer_sends_a_file_to_a_slow_reader(world: World) -> None:
    wire, probe = await world.connect(window=4 * SMALL_WINDOW)
    sent = FileSender().beginFileTransfer(io.BytesIO(FILE), probe.transport)
    sent.addCallback(lambda _: probe.transport.loseConnection())
    received = b""
    while not wire.ending:
        received += await world.thread(wire.receive, 1 << 20)
        await world.turns(2)
    assert received == FILE


@case()
async def a_close_waits_for_a_pull_producer(world: World) -> None:
    wire, probe = await world.connect()
    FileSender().beginFileTransfer(io.BytesIO(FILE), probe.transport)
    probe.transport.loseConnection()
    assert await world.thread(wire.receive_all) == FILE


@case()
async def a_pull_producer_is_asked_only_when_all_is_sent(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    written = 0

    def send(_: Producer) -> None:
        nonlocal written
        probe.transport.write(MUCH[: 1 << 18])
        written += 1 << 18

    probe.transport.registerProducer(Producer(probe, resume=send), False)
    # Until the kernel takes no more.
    before = -1
    while before != written:
        before = written
        await world.turns(20)
    await world.turns(50)
    assert 0 < written == before < (8 << 20)
    await world.thread(wire.receive, written)
    await world.until(lambda: written > before)
    probe.transport.abortConnection()
    await world.until(lambda: probe.reasons)


@case()
async def a_second_producer_is_refused(world: World) -> None:
    _, probe = await world.connect()
    probe.transport.registerProducer(Producer(probe), True)
    try:
        probe.transport.registerProducer(Producer(probe), True)
    except RuntimeError:
        probe.transport.unregisterProducer()
        probe.transport.registerProducer(Producer(probe), True)
    else:
        raise AssertionError("a second producer was taken")
    probe.transport.unregisterProducer()


@case()
async def a_producer_registered_after_the_loss_is_stopped(world: World) -> None:
    wire, probe = await world.connect()
    transport = probe.transport
    await world.thread(wire.close)
    await world.until(lambda: probe.reasons)
    late = Probe()
    transport.registerProducer(Producer(late), True)
    assert late.calls == ["stop"]


@case(unmet=differs(TLS, "what is written before the handshake is done is discarded"))
async def a_pull_producer_registered_in_connection_made_loses_nothing(world: World) -> None:
    def begin(probe: Probe) -> None:
        sent: Any = FileSender().beginFileTransfer(io.BytesIO(FILE), probe.transport)
        sent.addErrback(lambda _: None)

    wire = await world.dial(Probe(made=begin))
    assert await world.thread(wire.receive, len(FILE)) == FILE


@case()
async def a_stream_is_the_producer_of_another(world: World) -> None:
    """As of a proxy: reading from one stops while the other one's peer reads nothing."""
    to, sink = await world.connect(window=SMALL_WINDOW)
    source = Probe(data=lambda _, data: sink.transport.write(data))
    source.on_lost = lambda *_: None
    wire, _ = await world.connect(source)
    sink.transport.registerProducer(source.transport, True)
    sending = world.thread(wire.send, ANSWER)
    before = -1
    while before != len(source.received):
        before = len(source.received)
        await world.turns(50)
    assert len(source.received) < len(ANSWER)
    assert await world.thread(to.receive, len(ANSWER)) == ANSWER
    await sending
    sink.transport.unregisterProducer()


@case(differs=differs(TLS, "all records of a read are delivered, whatever is paused meanwhile"))
async def a_paused_stream_receives_nothing_until_it_is_resumed(world: World) -> None:
    wire, probe = await world.connect(Probe(data=lambda probe, _: probe.transport.pauseProducing()))
    sending = world.thread(wire.send, MUCH)
    await world.until(lambda: probe.calls)
    count = 0
    while len(probe.received) < len(MUCH):
        await world.turns()
        count += 1
        assert probe.calls == ["data"] * count
        probe.transport.resumeProducing()
        await world.until(lambda: len(probe.calls) > count)  # noqa: B023
    await sending
    assert probe.received == MUCH
    probe.transport.resumeProducing()


@case(differs=differs(TLS, "stopProducing reaches TCP, below TLS"))
async def stop_producing_closes(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.write(b"last")
    probe.transport.stopProducing()
    assert await world.thread(wire.receive_all) == b"last"
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionDone]


@case(TCP)
async def a_pull_producer_of_a_reset_connection_is_stopped(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    sent: Any = FileSender().beginFileTransfer(io.BytesIO(FILE), probe.transport)
    failures: list[Any] = []
    sent.addErrback(failures.append)
    await world.turns()
    await world.thread(wire.reset)
    await world.until(lambda: probe.reasons)
    assert len(failures) == 1
    assert probe.reasons == [ConnectionLost]
