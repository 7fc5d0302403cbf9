"""Half-close: TCP and unix sockets have it; in TLS a stream closes both directions."""

from twisted.internet.error import ConnectionDone

from tests.streams.case import CLEAR, TLS, case
from tests.streams.cases_bytes import ANSWER
from tests.streams.probe import HalfProbe, Probe
from tests.streams.world import SMALL_WINDOW, World


@case(CLEAR)
async def a_peer_that_ends_its_direction_gets_its_answer(world: World) -> None:
    def answer(probe: HalfProbe) -> None:
        probe.transport.write(ANSWER)
        probe.transport.loseConnection()

    wire, probe = await world.connect(HalfProbe(answer), window=SMALL_WINDOW)
    await world.thread(wire.send, b"request")
    await world.thread(wire.end_sending)
    assert await world.thread(wire.receive_all) == ANSWER
    await world.until(lambda: probe.reasons)
    assert probe.calls[-2:] == ["read ended", "lost"]
    assert (probe.received, probe.reasons) == (b"request", [ConnectionDone])


@case(CLEAR)
async def the_end_of_the_peers_direction_is_reported_once(world: World) -> None:
    wire, probe = await world.connect(HalfProbe())
    await world.thread(wire.end_sending)
    await world.until(lambda: probe.calls)
    await world.turns(30)
    assert probe.calls == ["read ended"]
    probe.transport.write(b"still here")
    assert await world.thread(wire.receive, 10) == b"still here"
    probe.transport.loseConnection()


@case(CLEAR)
async def our_direction_ends_after_all_that_was_written(world: World) -> None:
    wire, probe = await world.connect(HalfProbe(), window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseWriteConnection()
    assert await world.thread(wire.receive_all) == ANSWER
    assert wire.ending == "end"
    await world.until(lambda: probe.calls)
    probe.transport.write(b"too late")
    await world.thread(wire.send, b"and the other one goes on")
    await world.until(lambda: len(probe.received) == 25)
    assert probe.calls == ["write ended", "data"]
    probe.transport.loseConnection()


@case(CLEAR)
async def a_stream_with_both_directions_ended_closes_when_asked(world: World) -> None:
    for first in ("peer", "us"):
        wire, probe = await world.connect(HalfProbe())
        if first == "us":
            probe.transport.loseWriteConnection()
            assert await world.thread(wire.receive_all) == b""
        await world.thread(wire.end_sending)
        await world.until(lambda: "read ended" in probe.calls)  # noqa: B023
        if first == "peer":
            probe.transport.loseWriteConnection()
            assert await world.thread(wire.receive_all) == b""
        await world.turns(30)
        assert sorted(probe.calls) == ["read ended", "write ended"]
        probe.transport.loseConnection()
        await world.until(lambda: probe.reasons)  # noqa: B023
        assert probe.reasons == [ConnectionDone]


@case(CLEAR)
async def what_comes_after_our_direction_ended_outlasts_a_pause(world: World) -> None:
    wire, probe = await world.connect(HalfProbe())
    probe.transport.loseWriteConnection()
    assert await world.thread(wire.receive_all) == b""
    probe.transport.pauseProducing()
    await world.thread(wire.send, b"and the last word")
    await world.thread(wire.end_sending)
    await world.turns(30)
    probe.transport.resumeProducing()
    await world.until(lambda: "read ended" in probe.calls)
    assert probe.received == b"and the last word"
    probe.transport.loseConnection()
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionDone]


@case(CLEAR)
async def our_end_without_half_close_in_the_protocol_is_sent_too(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseWriteConnection()
    assert await world.thread(wire.receive_all) == ANSWER
    await world.thread(wire.send, b"more")
    await world.until(lambda: probe.received == b"more")
    await world.thread(wire.end_sending)
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionDone]


@case(TLS, is_ours=True)
async def a_half_close_of_tls_closes_both_directions(world: World) -> None:
    wire, probe = await world.connect(HalfProbe(), window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseWriteConnection()
    assert await world.thread(wire.receive_all) == ANSWER
    assert wire.ending == "goodbye"
    await world.until(lambda: probe.reasons)
    assert probe.reasons == [ConnectionDone]


@case(TLS)
async def a_goodbye_in_tls_is_the_end_for_a_protocol_with_half_close(world: World) -> None:
    wire, probe = await world.connect(HalfProbe())
    await world.thread(wire.end_sending)
    await world.until(lambda: probe.reasons)
    assert probe.calls == ["lost"]


@case(CLEAR)
async def a_half_close_from_within_data_received(world: World) -> None:
    def answer(probe: Probe, _: bytes) -> None:
        probe.transport.write(b"answer")
        probe.transport.loseWriteConnection()

    wire, probe = await world.connect(HalfProbe(data=answer))
    await world.thread(wire.send, b"request")
    assert await world.thread(wire.receive_all) == b"answer"
    await world.until(lambda: "write ended" in probe.calls)
    assert not probe.reasons
    probe.transport.loseConnection()
