"""Exceptions of protocols and producers: they are logged, and end one connection and no other."""

from contextlib import suppress

from twisted.internet.error import ConnectionAborted

from tests.streams.case import KINDS, TLS, case, differs
from tests.streams.cases_bytes import ANSWER
from tests.streams.probe import HalfProbe, Probe, Producer
from tests.streams.world import SMALL_WINDOW, World


class Oops(Exception):
    """What a protocol raises here."""


def oops(*_: object) -> None:
    raise Oops


@case(differs=differs(KINDS, "the reason is the exception, where ours is that of an abort"))
async def an_error_in_data_received_ends_the_connection(world: World) -> None:
    wire, probe = await world.connect(Probe(data=oops))
    await world.thread(wire.send, b"one")
    await world.until(lambda: probe.reasons)
    world.expect_logged(Oops)
    assert (probe.calls, probe.reasons) == (["data", "lost"], [ConnectionAborted])
    await world.is_healthy()


@case(differs=differs(KINDS, "the connection goes on after an exception in connectionMade"))
async def an_error_in_connection_made_ends_the_connection(world: World) -> None:
    probe = Probe(made=oops)
    # The reset may come before the connect returns.
    with suppress(OSError):
        wire = await world.dial(probe)
        await world.thread(wire.receive_all)
    await world.until(lambda: probe.reasons)
    world.expect_logged(Oops)
    assert probe.calls == ["made", "lost"]
    await world.is_healthy()


@case()
async def an_error_in_connection_lost_leaves_nothing(world: World) -> None:
    wire, probe = await world.connect(Probe(lost=oops))
    await world.thread(wire.close)
    await world.until(lambda: probe.reasons)
    await world.turns()
    world.expect_logged(Oops)
    await world.is_healthy()


@case()
async def an_error_in_connection_lost_after_an_abort_leaves_nothing(world: World) -> None:
    _, probe = await world.connect(Probe(lost=oops))
    probe.transport.abortConnection()
    await world.until(lambda: probe.reasons)
    await world.turns()
    world.expect_logged(Oops)
    await world.is_healthy()


@case(differs=differs(KINDS, "what should follow stopProducing is skipped"))
async def an_error_in_stop_producing_leaves_nothing(world: World) -> None:
    for is_abort in (False, True):
        wire, probe = await world.connect()
        probe.transport.registerProducer(Producer(probe, stop=oops), True)
        if is_abort:
            probe.transport.abortConnection()
        else:
            await world.thread(wire.close)
        await world.until(lambda: "stop" in probe.calls)  # noqa: B023
        await world.turns()
        world.expect_logged(Oops)
        assert probe.calls == ["stop", "lost"]
    await world.is_healthy()


@case()
async def an_error_in_resume_producing_ends_the_connection(world: World) -> None:
    for is_push in (True, False):
        wire, probe = await world.connect(window=SMALL_WINDOW)
        producer = Producer(probe, resume=oops)
        if world.place.hub == "twisted" and not is_push:
            # There it is asked within registerProducer, for the first time.
            continue
        probe.transport.registerProducer(producer, is_push)
        if is_push:
            probe.transport.write(ANSWER)
            await world.thread(wire.receive, len(ANSWER))
        await world.until(lambda: probe.reasons)  # noqa: B023
        world.expect_logged(Oops)
        assert probe.calls[-3:] == ["resume", "stop", "lost"]
    await world.is_healthy()


@case()
async def an_error_in_pause_producing_is_the_writers(world: World) -> None:
    _, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.registerProducer(Producer(probe, pause=oops), True)
    try:
        for _ in range(10):
            probe.transport.write(ANSWER)
    except Oops:
        pass
    else:
        raise AssertionError("the producer was not paused")
    probe.transport.abortConnection()
    await world.until(lambda: probe.reasons)
    await world.is_healthy()


@case(("tcp", "unix"), differs=differs(("tcp", "unix"), "the reason is the exception"))
async def an_error_in_the_calls_of_half_close_ends_the_connection(world: World) -> None:
    wire, probe = await world.connect(HalfProbe(oops))
    await world.thread(wire.end_sending)
    await world.until(lambda: probe.reasons)
    world.expect_logged(Oops)
    assert (probe.calls, probe.reasons) == (["read ended", "lost"], [ConnectionAborted])
    await world.is_healthy()


@case(differs=differs(KINDS, "the accepted socket stays open"))
async def an_error_of_the_factory_leaves_the_port_open(world: World) -> None:
    def fail(_: object) -> Probe:
        raise Oops

    try:
        wire = await world.dial(fail)
        await world.thread(wire.receive_all)
    except OSError:
        assert world.is_tls
    await world.turns()
    world.expect_logged(Oops)
    await world.is_healthy()


@case(differs=differs(TLS, "TLSMemoryBIOFactory calls what its factory did not build"))
async def a_factory_may_refuse_a_connection(world: World) -> None:
    try:
        wire = await world.dial(lambda _: None)
        await world.thread(wire.receive_all)
    except OSError:
        assert world.is_tls
    await world.is_healthy()
