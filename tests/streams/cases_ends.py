"""How connections end: connectionLost once, with the right reason, and nothing after it."""

from contextlib import suppress

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost

from tests.streams.case import ABORTED_AS_LOST, CLEAR, TCP, TLS, case, differs
from tests.streams.cases_bytes import ANSWER, MUCH
from tests.streams.probe import Probe
from tests.streams.world import SMALL_WINDOW, World


@case()
async def a_peer_that_closes_is_done(world: World) -> None:
    wire, probe = await world.connect()
    await world.thread(wire.send, b"last words")
    await world.thread(wire.end_sending)
    await world.until(lambda: probe.reasons)
    assert (probe.received, probe.reasons) == (b"last words", [ConnectionDone])


@case(TLS)
async def tls_without_a_close_notify_ends(world: World) -> None:
    wire, probe = await world.connect()
    await world.thread(wire.send, b"last words")
    await world.thread(wire.leave_rudely)
    await world.until(lambda: probe.reasons)
    assert probe.received == b"last words"


@case(TCP)
async def a_reset_is_a_lost_connection(world: World) -> None:
    wire, probe = await world.connect()
    await world.thread(wire.reset)
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionLost]


@case()
async def a_peer_that_vanishes_while_much_is_unsent_is_lost(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    await world.turns()
    # With bytes unread, the kernel resets the connection.
    await world.thread(wire.close)
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionLost]


@case(TCP, differs=differs(TCP, "Twisted does not watch a connection that reads nothing"))
async def a_reset_ends_a_paused_stream(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.pauseProducing()
    await world.thread(wire.send, b"never read")
    await world.thread(wire.reset)
    if world.place.hub == "ReactorHub":
        # A reactor does not watch a descriptor for errors alone.
        await world.turns()
        probe.transport.resumeProducing()
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionLost]


@case()
async def what_a_peer_sent_before_it_left_outlasts_a_pause(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.pauseProducing()
    await world.thread(wire.send, MUCH[:100_000])
    if world.is_tls:
        await world.thread(wire.leave_rudely)
    await world.thread(wire.close)
    await world.turns()
    assert not probe.calls
    probe.transport.resumeProducing()
    await world.until(lambda: probe.reasons)
    assert probe.received == MUCH[:100_000]
    assert world.is_tls or probe.reasons == [ConnectionDone]


@case(differs=ABORTED_AS_LOST)
async def an_abort_calls_nothing_back_at_once_and_then_one_loss(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.abortConnection()
    probe.transport.abortConnection()
    probe.transport.loseConnection()
    probe.transport.write(b"too late")
    assert not probe.calls
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionAborted], probe.reasons
    received = await world.thread(wire.receive_all)
    assert len(received) < len(ANSWER)
    assert ANSWER.startswith(received)
    # TCP resets at once; what a unix socket took before is still received.
    assert wire.ending == ("reset" if world.kind == "tcp" else wire.ending)


@case(TCP)
async def an_abort_is_a_reset(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.abortConnection()
    assert await world.thread(wire.receive_raw_end) == "reset"


@case(differs=ABORTED_AS_LOST)
async def an_abort_overtakes_a_close(world: World) -> None:
    _, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseConnection()
    await world.turns()
    assert not probe.reasons
    probe.transport.abortConnection()
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionAborted], probe.reasons


@case(differs=ABORTED_AS_LOST)
async def nothing_is_received_after_an_abort_from_within(world: World) -> None:
    def abort(probe: Probe, _: bytes) -> None:
        probe.transport.abortConnection()
        assert probe.calls == ["data"]

    wire, probe = await world.connect(Probe(data=abort))
    await world.thread(wire.send, b"one")
    await world.until(lambda: probe.reasons)
    assert (probe.calls, probe.reasons) == (["data", "lost"], [ConnectionAborted])


@case(CLEAR)
async def a_close_from_within_connection_made_closes(world: World) -> None:
    probe = Probe(made=lambda probe: probe.transport.loseConnection())
    wire = await world.dial(probe)
    assert await world.thread(wire.receive_all) == b""
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionDone]


@case(differs=ABORTED_AS_LOST)
async def an_abort_from_within_connection_made_closes(world: World) -> None:
    probe = Probe(made=lambda probe: probe.transport.abortConnection())
    # The reset may come before the connect returns.
    with suppress(OSError):
        wire = await world.dial(probe)
        await world.thread(wire.receive_all)
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionAborted], probe.reasons


@case()
async def a_close_from_within_data_received_ends_what_follows(world: World) -> None:
    def answer(probe: Probe, _: bytes) -> None:
        probe.transport.write(b"answer")
        probe.transport.loseConnection()

    wire, probe = await world.connect(Probe(data=answer))
    await world.thread(wire.send, b"request")
    assert await world.thread(wire.receive_all) == b"answer"
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)
    assert (probe.calls, probe.reasons) == (["data", "lost"], [ConnectionDone])


@case(TLS)
async def a_close_notify_glued_to_data_delivers_the_data(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.pauseProducing()
    await world.thread(wire.send_pieces, b"a", MUCH[:70_000])
    ending = world.thread(wire.end_sending)
    await world.turns()
    probe.transport.resumeProducing()
    await world.until(lambda: probe.reasons)
    await ending
    assert (probe.received, probe.reasons) == (b"a" + MUCH[:70_000], [ConnectionDone])


@case(TLS, unmet=differs(TLS, "a close_notify ends a stream with bytes unsent"))
async def an_answer_to_a_last_request_is_sent_whole(world: World) -> None:
    """The close_notify comes in the same read as the request that a large answer is for."""
    wire, probe = await world.connect(
        Probe(data=lambda probe, _: probe.transport.write(ANSWER)), window=SMALL_WINDOW
    )
    probe.transport.pauseProducing()
    await world.thread(wire.send, b"request")
    await world.thread(wire.say_goodbye)
    probe.transport.resumeProducing()
    assert await world.thread(wire.receive, len(ANSWER)) == ANSWER
