"""Requests that wait, and their bounds."""

from threading import Thread

from tests.store.samples import put
from vaultrelay.policy.limits.mailbox import (
    ITEM_COST,
    MAX_BATCH_BYTES,
    MAX_BATCH_PUTS,
    MAX_JOBS,
    MAX_WAITING_BYTES,
    MAX_WAITING_PUTS,
)
from vaultrelay.store.inbox import Inbox, Job, PutRequest


def ignore(_: object) -> None:
    """A result that is not looked at."""


def add(inbox: Inbox, number: int, size: int = 0) -> bool:
    """Add a PUT."""
    return inbox.add_put(PutRequest(put(number, payload=bytes(size)), ignore))


def job() -> Job:
    """Some work."""
    return Job(lambda *_: None, ignore)


def test_a_batch_is_bounded_in_number_and_bytes() -> None:
    inbox = Inbox()
    for number in range(MAX_BATCH_PUTS + 1):
        assert add(inbox, number)
    assert len(inbox.take_puts()) == MAX_BATCH_PUTS
    assert len(inbox.take_puts()) == 1
    half = MAX_BATCH_BYTES // 2 - ITEM_COST
    sizes = [half, half, 0, MAX_BATCH_BYTES, 0]
    for number, size in enumerate(sizes):
        assert add(inbox, number, size)
    batches = []
    while inbox.has_puts:
        batches.append([len(request.put.payload) for request in inbox.take_puts()])
    assert batches == [[half, half], [0], [MAX_BATCH_BYTES], [0]]
    assert inbox.waiting_bytes == 0


def test_waiting_puts_are_bounded_in_bytes() -> None:
    inbox = Inbox()
    assert add(inbox, 1, MAX_WAITING_BYTES - ITEM_COST)
    assert not add(inbox, 2)
    assert inbox.waiting_bytes == MAX_WAITING_BYTES
    inbox.take_puts()
    assert add(inbox, 2)


def test_waiting_puts_are_bounded_in_number() -> None:
    assert MAX_WAITING_PUTS * ITEM_COST <= MAX_WAITING_BYTES
    inbox = Inbox()
    while add(inbox, 1):
        pass
    assert inbox.waiting_bytes == MAX_WAITING_PUTS * ITEM_COST


def test_jobs_are_bounded() -> None:
    inbox = Inbox()
    assert [inbox.add_job(job()) for _ in range(MAX_JOBS + 1)] == [True] * MAX_JOBS + [False]
    assert inbox.has_others
    add(inbox, 1)
    while True:
        puts, taken = inbox.take_job()
        assert puts == 1
        if taken is None:
            break
    assert not inbox.has_others


def test_nothing_is_accepted_after_a_stop() -> None:
    inbox = Inbox()
    inbox.stop()
    assert not add(inbox, 1)
    assert not inbox.add_job(job())


def test_a_request_ends_the_wait_also_if_it_came_before() -> None:
    inbox = Inbox()
    add(inbox, 1)
    inbox.wait(3600)
    # A second one joins it, and does not.
    add(inbox, 2)
    inbox.wait(0.001)
    for request in (inbox.stop, lambda: inbox.add_job(job())):
        waiting = Thread(target=inbox.wait, args=(3600,))
        waiting.start()
        request()
        waiting.join()
        inbox.is_stopped = False
