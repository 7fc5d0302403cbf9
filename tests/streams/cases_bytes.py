"""Bytes: their order, at once and under back-pressure, and before a close."""

import random
from typing import Any

from tests.streams.case import CLEAR, KINDS, TLS, case, differs
from tests.streams.probe import Probe
from tests.streams.wire import Wire
from tests.streams.world import SMALL_WINDOW, World

MUCH = random.Random(1).randbytes(3 << 20)
ANSWER = random.Random(2).randbytes(8 << 20)
"""More than the kernel's buffers hold."""


def cut(data: bytes, seed: int, maximum: int) -> list[bytes]:
    """Returns the data in pieces of many sizes."""
    chosen = random.Random(seed)
    pieces, start = [], 0
    while start < len(data):
        size = chosen.choice((0, 1, 2, 100, 16384, 16385, maximum, chosen.randrange(maximum)))
        pieces.append(data[start : start + size])
        start += size
    return pieces


@case()
async def received_bytes_keep_their_order(world: World) -> None:
    wire, probe = await world.connect()
    await world.thread(wire.send_pieces, *cut(MUCH, 3, 100_000))
    await world.until(lambda: len(probe.received) >= len(MUCH))
    assert probe.received == MUCH


@case()
async def a_small_write_is_sent_at_once(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.write(b"hello")
    assert await world.thread(wire.receive, 5) == b"hello"
    assert not probe.reasons


@case()
async def an_answer_may_be_written_from_within_data_received(world: World) -> None:
    wire, _ = await world.connect(Probe(data=lambda probe, data: probe.transport.write(data)))
    for size in (1, 16384, 16385, 100_000):
        await world.thread(wire.send, MUCH[:size])
        assert await world.thread(wire.receive, size) == MUCH[:size]


@case(unmet=differs(TLS, "what is written before the handshake is done is discarded"))
async def a_server_may_speak_first(world: World) -> None:
    greeting = Probe(made=lambda probe: probe.transport.write(b"220 ready\r\n"))
    wire = await world.dial(greeting)
    assert await world.thread(wire.receive, 11) == b"220 ready\r\n"


@case()
async def writes_under_back_pressure_keep_their_order(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    for piece in cut(ANSWER, 4, 200_000):
        probe.transport.write(piece)
    await world.turns()
    assert await world.thread(wire.receive, len(ANSWER)) == ANSWER


@case()
async def sequences_of_all_shapes_keep_their_order(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    write_all = probe.transport.writeSequence
    sequences: list[list[bytes]] = [
        [],
        [b""],
        [b"head", MUCH[:5]],
        [MUCH[at : at + 3] for at in range(0, 6000, 3)],
        [b"h" * 10, MUCH[: 1 << 20]],
        [b"h" * 20_000, MUCH[:100_000]],
        [MUCH[: 1 << 20], b"", MUCH[:17], MUCH[: 1 << 20], b"x"],
        cut(MUCH, 5, 300_000),
        [b"last", b""],
    ]
    for pieces in sequences:
        write_all(pieces)
    expected = b"".join(b"".join(pieces) for pieces in sequences)
    await world.turns()
    assert await world.thread(wire.receive, len(expected)) == expected
    probe.transport.writeSequence(sequences[4])
    assert await world.thread(wire.receive, 10 + (1 << 20)) == b"".join(sequences[4])


@case()
async def both_directions_carry_much_at_once(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    other, far = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    far.transport.write(MUCH)
    sending = world.thread(other.send, MUCH)
    assert await world.thread(wire.receive, len(ANSWER)) == ANSWER
    await sending
    assert await world.thread(other.receive, len(MUCH)) == MUCH
    await world.until(lambda: len(far.received) == len(MUCH))
    assert far.received == MUCH


async def _read_slowly(world: World, wire: Wire, size: int) -> bytes:
    received = b""
    while not wire.ending:
        received += await world.thread(wire.receive, size)
        await world.turns(2)
    return received


@case()
async def a_close_sends_all_that_was_written_before(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    for piece in cut(ANSWER, 6, 500_000):
        probe.transport.write(piece)
    probe.transport.loseConnection()
    assert await _read_slowly(world, wire, 700_000) == ANSWER
    assert wire.ending == ("goodbye" if world.is_tls else "end")
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)


@case()
async def a_close_with_nothing_unsent_is_soon(world: World) -> None:
    wire, probe = await world.connect()
    probe.transport.write(b"bye")
    probe.transport.loseConnection()
    probe.transport.loseConnection()
    assert "lost" not in probe.calls
    assert await world.thread(wire.receive_all) == b"bye"
    assert wire.ending == ("goodbye" if world.is_tls else "end")


@case(differs=differs(TLS, "TLSMemoryBIOProtocol drops what is written after loseConnection"))
async def a_write_after_a_close_that_waits_is_sent(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseConnection()
    probe.transport.write(b"one more")
    probe.transport.writeSequence([b"and", b"another"])
    assert await world.thread(wire.receive_all) == ANSWER + b"one moreandanother"


@case(differs=differs(KINDS, "pauseProducing or abortConnection raises after the loss"))
async def calls_after_the_loss_are_ignored(world: World) -> None:
    wire, probe = await world.connect()
    transport = probe.transport
    await world.thread(wire.leave)
    await world.until(lambda: probe.reasons)
    transport.write(b"late")
    transport.writeSequence([b"late", MUCH])
    transport.loseConnection()
    if world.kind in CLEAR:
        transport.loseWriteConnection()
    transport.pauseProducing()
    transport.resumeProducing()
    transport.unregisterProducer()
    transport.abortConnection()
    await world.turns()


@case(differs=differs(TLS, "TLSMemoryBIOProtocol reads until the peer's close_notify"))
async def a_closing_stream_receives_nothing_more(world: World) -> None:
    wire, probe = await world.connect(window=SMALL_WINDOW)
    probe.transport.write(ANSWER)
    probe.transport.loseConnection()
    await world.thread(wire.send, b"too late")
    await world.turns()
    assert not probe.pieces


@case(unmet=differs(CLEAR, "with bytes unsent, text is refused only when its turn comes"))
async def text_is_refused_at_once(world: World) -> None:
    _, probe = await world.connect(window=SMALL_WINDOW)
    text: Any = "text"
    for data in (b"", ANSWER):
        probe.transport.write(data)
        try:
            probe.transport.write(text)
        except TypeError:
            continue
        raise AssertionError("text was taken")
    probe.transport.abortConnection()
