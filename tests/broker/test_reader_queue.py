"""ReaderQueue: networks have the core in turn, by the time that each has used."""

from collections import defaultdict
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.broker.reader_queue import ReaderQueue

QUANTUM = 1.0
PATHS = [(site, f"{site}.{line}", channel) for site in "abc" for line in "12" for channel in "xy"]


def queue_of(*readers: tuple[tuple[str, ...], str]) -> ReaderQueue[str]:
    queue: ReaderQueue[str] = ReaderQueue(QUANTUM)
    for path, reader in readers:
        queue.push(path, reader)
    return queue


def test_an_empty_queue_has_no_next_reader() -> None:
    assert queue_of().pop() is None
    assert len(queue_of()) == 0


def test_a_reader_waits_once() -> None:
    queue = queue_of((("a",), "one"))
    assert not queue.push(("a",), "one")
    assert len(queue) == 1
    assert (queue.pop(), queue.pop()) == ("one", None)


def test_the_next_network_is_ahead_if_all_are() -> None:
    queue = queue_of()
    assert not queue.is_next_ahead
    queue.charge("a", 2 * QUANTUM)
    assert queue.push(("a",), "one")
    assert queue.is_next_ahead
    queue.push(("b",), "two")
    assert not queue.is_next_ahead


def test_the_network_that_has_used_least_is_next() -> None:
    queue = queue_of()
    queue.charge("a", 3)
    queue.charge("b", 2)
    for network in "ab":
        queue.push((network,), f"{network}1")
        queue.push((network,), f"{network}2")
    assert queue.pop() == "b1"
    queue.charge("b", 2)
    assert [queue.pop() for _ in range(3)] == ["a1", "a2", "b2"]


def test_narrower_networks_their_channels_and_readers_take_turns() -> None:
    office, home = ("site", "office"), ("site", "home")
    crowd = [((*office, "crowd"), f"crowd {number}") for number in range(3)]
    queue = queue_of(*crowd, ((*office, "quiet"), "quiet"), ((*home, "own"), "home"))
    order = [queue.pop() for _ in range(5)]
    assert order == ["crowd 0", "home", "quiet", "crowd 1", "crowd 2"]


def test_a_network_is_ahead_after_its_quantum_until_others_have_caught_up() -> None:
    queue = queue_of()
    queue.charge("a", 1)
    assert not queue.is_ahead("a")
    queue.charge("a", 0.5)
    assert queue.is_ahead("a")
    assert not queue.is_ahead("b")
    queue.push(("a",), "one")
    queue.pop()
    # Nobody else was there: its time is the present.
    assert not queue.is_ahead("a")


def test_a_network_saves_up_no_time_while_it_is_idle() -> None:
    queue = queue_of()
    queue.charge("a", 100)
    queue.push(("a",), "one")
    queue.pop()
    queue.charge("b", 1.5)
    assert queue.is_ahead("b")


def test_past_times_are_forgotten_without_an_effect() -> None:
    queue = queue_of()
    queue.charge("a", 1)
    queue.charge("b", 5)
    queue.push(("a",), "one")
    queue.pop()
    queue.forget()
    assert (queue.is_ahead("a"), queue.is_ahead("b")) == (False, True)


steps = st.one_of(
    st.tuples(st.just("push"), st.sampled_from(PATHS), st.integers(0, 3)),
    st.tuples(st.just("remove"), st.sampled_from(PATHS), st.integers(0, 3)),
    st.tuples(st.just("charge"), st.sampled_from(PATHS), st.integers(0, 5)),
    st.tuples(st.just("pop"), st.sampled_from(PATHS), st.integers(0, 3)),
)


@given(st.lists(steps, max_size=60))
def test_every_reader_has_its_turn_once(taken: list[tuple[str, tuple[str, ...], int]]) -> None:
    queue: ReaderQueue[tuple[object, ...]] = ReaderQueue(QUANTUM)
    waiting: set[tuple[object, ...]] = set()
    for step, path, number in taken:
        reader = (*path, number)
        if step == "push":
            queue.push(path, reader)
            waiting.add(reader)
        elif step == "remove":
            queue.remove(reader)
            waiting.discard(reader)
        elif step == "charge":
            queue.charge(path[0], number)
        else:
            popped = queue.pop()
            assert (popped in waiting) if waiting else (popped is None)
            waiting.discard(popped or ())
        assert len(queue) == len(waiting)
    assert {queue.pop() for _ in range(len(queue))} == waiting
    assert queue.pop() is None


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0.01, 2)), min_size=2, max_size=8),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_networks_that_always_wait_have_equal_times(
    crowds: list[tuple[int, float]], random: Random
) -> None:
    """However many readers a network has, and however long each of its turns takes."""
    queue: ReaderQueue[tuple[int, int]] = ReaderQueue(QUANTUM)
    used: dict[int, float] = defaultdict(float)
    for network, (readers, _) in enumerate(crowds):
        for number in range(readers):
            queue.push((network, number % 3), (network, number))
    for _ in range(200):
        reader = queue.pop()
        assert reader is not None
        network, number = reader
        cost = crowds[network][1] * random.random()
        used[network] += cost
        queue.charge(network, cost)
        queue.push((network, number % 3), reader)
        times = [used[each] for each in range(len(crowds))]
        assert max(times) - min(times) <= 2 * max(cost for _, cost in crowds)


COSTS = st.floats(0.01, 3)
OTHERS = st.lists(
    st.tuples(st.integers(0, 5), COSTS, st.booleans(), st.booleans()), min_size=1, max_size=80
)


@given(st.floats(0, 10), OTHERS)
def test_no_crowd_of_networks_starves_a_reader(
    debt: float, others: list[tuple[int, float, bool, bool]]
) -> None:
    """Each of the others uses what the reader's network has used before, and one turn, at most."""
    queue: ReaderQueue[int] = ReaderQueue(QUANTUM)
    queue.charge(-1, debt)
    queue.push((-1, "channel"), -1)
    used: dict[int, float] = defaultdict(float)
    for network, cost, leaves, forgets in others:
        queue.push((network, "channel"), network)
        if leaves:
            queue.remove(network)
            queue.push((network, "channel"), network)
        if forgets:
            queue.forget()
        reader = queue.pop()
        assert reader is not None
        if reader == -1:
            return
        assert used[reader] <= debt, "it was next"
        used[reader] += cost
        queue.charge(reader, cost)
    assert len(others) <= 6 * (debt / 0.01 + 1)
