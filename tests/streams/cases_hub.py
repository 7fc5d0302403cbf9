"""The hub: its end, and the turns that it leaves to everything else of the reactor."""

import random
import socket
from collections import Counter
from time import monotonic
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionLost

from tests.streams.case import CLEAR, case
from tests.streams.cases_bytes import ANSWER
from tests.streams.cases_errors import Oops, oops
from tests.streams.probe import Probe, Producer
from tests.streams.world import SMALL_WINDOW, World
from vaultrelay.policy.limits.streams import EVENTS_AT_ONCE
from vaultrelay.transport.allowance import HEAD_ALLOWANCE

BUSY = 300
WORK_SECONDS = 0.0002
"""Of one stream each time: some 60 ms for all of them together."""


@case(is_ours=True)
async def closing_the_hub_ends_all_streams(world: World) -> None:
    probes = []
    for number in range(12):
        _, probe = await world.connect(window=SMALL_WINDOW)
        if number % 4 == 1:
            probe.transport.write(ANSWER)
        if number % 4 == 2:
            probe.on_lost = oops
        if number % 4 == 3:
            probe.transport.registerProducer(Producer(probe, stop=oops), True)
        probes.append(probe)
    probes[0].transport.abortConnection()
    world.hub.stopService()
    await world.until(lambda: probes[0].reasons)
    assert [probe.reasons for probe in probes] == [[ConnectionAborted]] + [[ConnectionLost]] * 11
    world.expect_logged(Oops, 6)


@case(is_ours=True)
async def the_hub_may_be_closed_by_a_stream(world: World) -> None:
    connections = [await world.connect() for _ in range(2 * EVENTS_AT_ONCE)]
    for _, probe in connections:
        probe.on_data = lambda *_: world.hub.running and world.hub.stopService()
    await world.turns(1)
    for wire, _ in connections:
        wire.send(b"x")
    await world.turns()
    assert all(len(probe.reasons) == 1 for _, probe in connections)
    assert sum(len(probe.pieces) for _, probe in connections) == 1


@case(CLEAR, is_ours=True)
async def a_hub_starts_again_after_its_end(world: World) -> None:
    _, probe = await world.connect()
    world.hub.stopService()
    assert probe.reasons == [ConnectionLost]
    world.hub.startService()
    await world.is_healthy()


@case(is_ours=True)
async def a_connection_that_the_hub_cannot_take_leaves_the_port_open(world: World) -> None:
    if world.place.hub == "ReactorHub":
        # It takes all, whether it runs or not.
        return
    world.hub.stopService()
    unlucky = Probe()
    try:
        wire = await world.dial(unlucky)
        await world.thread(wire.receive_all)
    except OSError:
        assert world.is_tls
    await world.until(lambda: unlucky.reasons)
    world.expect_logged(Exception)
    world.hub.startService()
    await world.is_healthy()


def _work(_: Producer) -> None:
    until = monotonic() + WORK_SECONDS
    while monotonic() < until:
        pass


async def _make_busy(world: World) -> tuple[Counter[int], list[Probe]]:
    """Returns how often each of many streams was served; all are ready all the time."""
    served: Counter[int] = Counter()
    probes, producers = [], []
    for number in range(BUSY):
        probe = Probe()
        wire = await world.dial(probe)
        probes.append(probe)
        if world.is_tls:
            await world.thread(wire.send, b"!")

        def resume(producer: Producer, number: int = number) -> None:
            served[number] += 1
            del producer.probe.calls[1:]
            _work(producer)

        producers.append(Producer(probe, resume=resume))
    await world.until(lambda: all(probe.received or not world.is_tls for probe in probes))
    for producer in producers:
        # From here on it has joined, as far as the hub is concerned.
        producer.probe.transport.allowance = HEAD_ALLOWANCE
        producer.probe.transport.registerProducer(producer, False)
    await world.until(lambda: len(served) == BUSY)
    return served, probes


@case(("tcp", "tls13"), is_ours=True)
async def a_busy_hub_lets_timers_and_accepts_through(world: World) -> None:
    served, probes = await _make_busy(world)
    at_most = BUSY + 1 if world.place.hub == "ReactorHub" else BUSY // 2
    for _ in range(20):
        before = served.total()
        await world.turns(1)
        assert served.total() - before <= at_most
    newcomer = Probe()
    world.factory.next.append(newcomer)
    before = served.total()
    with socket.create_connection(world.address):
        await world.until(lambda: newcomer.calls)
        # The accept itself takes two turns at most, and each look at it another one.
        assert served.total() - before <= 6 * at_most
    await world.until(lambda: newcomer.reasons)
    for probe in probes:
        probe.transport.unregisterProducer()


@case(("tcp",), is_ours=True)
async def a_busy_hub_serves_all_equally(world: World) -> None:
    served, probes = await _make_busy(world)
    served.clear()
    await world.until(lambda: len(served) == BUSY and min(served.values()) >= 4)
    assert max(served.values()) <= 4 + 2
    for probe in probes:
        probe.transport.abortConnection()


@case(is_ours=True)
async def a_crowd_of_random_calls_leaves_nothing(world: World) -> None:
    for seed in (1, 2, 3):
        await _play(world, random.Random(seed))


def _act(transport: Any, chosen: random.Random) -> None:
    """Call a method of a transport."""
    name = chosen.choice(
        ("write",) * 12
        + ("pauseProducing", "resumeProducing", "resumeProducing", "writeSequence")
        + ("loseConnection", "abortConnection", "unregisterProducer")
    )
    if name == "write":
        transport.write(ANSWER[: chosen.randrange(200_000)])
    elif name == "writeSequence":
        transport.writeSequence([b"head", ANSWER[: chosen.randrange(300_000)]])
    else:
        getattr(transport, name)()


async def _play(world: World, chosen: random.Random) -> None:
    connections = [await world.connect() for _ in range(25)]

    def act(*_: object) -> None:
        for _count in range(chosen.randrange(3)):
            _act(chosen.choice(connections)[1].transport, chosen)

    for wire, probe in connections:
        probe.on_data = act
        probe.on_lost = act
        wire.socket.settimeout(0)
        if chosen.random() < 0.5:
            probe.transport.registerProducer(Producer(probe, resume=act, pause=act), True)
    for _ in range(300):
        wire, _ = chosen.choice(connections)
        try:
            if chosen.random() < 0.5:
                wire.socket.send(ANSWER[: chosen.randrange(100_000)])
            else:
                wire.socket.recv(chosen.randrange(1, 400_000))
        except OSError:
            pass
        if chosen.random() < 0.02:
            wire.close()
        if chosen.random() < 0.4:
            await world.turns(1)
    for wire, probe in connections:
        probe.on_data = probe.on_lost = lambda *_: None
        wire.close()
        if not probe.reasons:
            probe.transport.abortConnection()
    await world.until(lambda: all(probe.reasons for _, probe in connections))
