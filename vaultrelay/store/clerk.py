"""Clerk: the thread of the store. It opens the store, and does one request after the other."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event, Thread

from vaultrelay.policy.limits.mailbox import (
    CHECK_SECONDS,
    CLOCK_SAVED_SECONDS,
    COMMIT_SECONDS,
    FIRST_CHECK_SECONDS,
    HOUSEKEEPING_SECONDS,
    PAGE_BYTES,
)
from vaultrelay.store.clock import StoreClock
from vaultrelay.store.inbox import Inbox, Job, PutRequest, ReadRequest
from vaultrelay.store.store import (
    Cursor,
    Page,
    Put,
    Refused,
    Store,
    Stored,
    StoreLimits,
    StoreRefused,
    StoreUnavailable,
    Usage,
)
from vaultrelay.store.supervisor import AWAY, State, Supervisor


class Clerk:
    """One thread with one store. The public methods are for the owner's thread.

    `call_owner` calls a function in that thread, such as `reactor.callFromThread`, in the order of
    its calls: all results, and changes of the state, come in the order in which the clerk did them.
    `on_state` gets each new state and the fault behind it; `Supervisor` has the states. A request
    in state away or off gets a refusal as its result.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        call_owner: Callable[[Callable[[], None]], object],
        on_state: Callable[[State, Exception | None], None],
        monotonic: Callable[[], float] = time.monotonic,
        make_clock: Callable[[int | None], StoreClock] = StoreClock,
    ) -> None:
        self.usage: Usage | None = None
        """Figures of the last housekeeping."""
        self.commits = 0
        self.commit_seconds = 0.0
        self._call_owner = call_owner
        self._monotonic = monotonic
        self._inbox = Inbox()
        self._supervisor = Supervisor(
            open_store,
            make_clock,
            lambda state, fault: call_owner(partial(on_state, state, fault)),
            monotonic,
        )
        self._thread = Thread(target=self._run, name="mailbox", daemon=True)
        self._has_tried = Event()
        """Whether there was an attempt to open the store."""
        self._commit_at = self._housekeep_at = self._save_at = monotonic()
        self._check_at = monotonic() + FIRST_CHECK_SECONDS

    def start(self, seconds: float) -> None:
        """Start the thread, and wait for up to some seconds until it has opened the store. Raises
        StoreRefused if it must not be opened; a dead disk does not hold the start."""
        self._thread.start()
        self._has_tried.wait(seconds)
        if isinstance(self._supervisor.fault, StoreRefused):
            raise self._supervisor.fault

    def stop(self, seconds: float) -> bool:
        """Store the PUTs that wait, and close the store; return whether that took less than some
        seconds. What has no result by then may be stored or not."""
        self._inbox.stop()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def put(self, put: Put, done: Callable[[Stored | Refused], None]) -> bool:
        """Store an item; return False if too many wait, so that it is refused as busy."""
        return self._inbox.add_put(PutRequest(put, done))

    def read(
        self, channel: bytes, cursor: Cursor | None, done: Callable[[Page | Refused], None]
    ) -> None:
        """Read a page. The owner bounds how many are read at once."""
        self._inbox.add_read(ReadRequest(channel, cursor, done))

    def erase(
        self, channel: bytes, upto: Cursor | None, done: Callable[[Cursor | Refused | None], None]
    ) -> bool:
        """Erase items; return False if too many jobs wait."""
        return self._inbox.add_job(
            Job(
                lambda store, _: store.erase(channel, upto, self._serve_between),
                done,
            )
        )

    def read_usage(self, done: Callable[[Usage | Refused], None]) -> bool:
        """Read the figures of now."""
        return self._inbox.add_job(Job(lambda store, _: store.usage(), done))

    def check(self, done: Callable[[Refused | None], None]) -> bool:
        """Check the whole store. Damage shows as a state."""
        return self._inbox.add_job(Job(lambda store, _: store.check(), done))

    def backup(self, path: Path, done: Callable[[OSError | Refused | None], None]) -> bool:
        """Copy the store into a new file; meanwhile PUTs are stored and pages are read."""
        return self._inbox.add_job(Job(partial(self._backup, path), done))

    def trust_clock(self, done: Callable[[Refused | None], None]) -> bool:
        """Believe the wall clock."""
        return self._inbox.add_job(Job(lambda _, clock: clock.trust(), done))

    def configure(self, limits: StoreLimits) -> None:
        """Apply other limits, to the open store and to those that are opened later."""
        self._supervisor.configure(limits)

    @property
    def state(self) -> State:
        """The state of the store, which `on_state` may get later."""
        return self._supervisor.state

    @property
    def waiting_bytes(self) -> int:
        """Costs of the PUTs that wait."""
        return self._inbox.waiting_bytes

    def round(self) -> float:
        """Do one request of each kind that is due; return the seconds until there may be more. For
        the clerk's thread, and for tests without one."""
        self._supervisor.retry()
        self._has_tried.set()
        self._serve()
        puts, job = self._inbox.take_job()
        if job is not None:
            # An erase deletes also what its device has put before it.
            while puts > 0:
                puts -= self._commit()
            self._answer([partial(job.done, self._supervisor.attempt(job.work))])
        if self._monotonic() >= self._housekeep_at:
            self._keep_house()
        return self._seconds_to_next()

    def _run(self) -> None:
        while not self._inbox.is_stopped:
            self._inbox.wait(self.round())
        while self._inbox.has_puts:
            self._commit()
        self._supervisor.attempt(lambda store, clock: store.save_time(clock.now()))
        self._supervisor.close()

    def _seconds_to_next(self) -> float:
        if self._inbox.has_others:
            return 0
        due = self._housekeep_at
        if self._supervisor.state in (State.FULL, State.AWAY):
            due = min(due, self._supervisor.retry_at)
        if self._inbox.has_puts:
            due = min(due, self._commit_at)
        return max(due - self._monotonic(), 0)

    def _serve(self) -> None:
        """Store the PUTs that wait, unless the last commit is too recent, and read a page."""
        if self._inbox.has_puts and self._monotonic() >= self._commit_at:
            self._commit()
        request = self._inbox.take_read()
        if request is not None:
            page = self._supervisor.attempt(
                lambda store, clock: store.page(
                    request.channel, request.cursor, PAGE_BYTES, clock.now()
                )
            )
            self._answer([partial(request.done, page)])

    def _commit(self) -> int:
        """Store PUTs; return how many. The next commit may follow at once if this one takes
        long."""
        requests = self._inbox.take_puts()
        results: Sequence[Stored | Refused] | Refused = AWAY
        if self._supervisor.state is State.OPEN:
            puts = [request.put for request in requests]
            started = self._monotonic()
            results = self._supervisor.attempt(lambda store, clock: store.put(puts, clock.latest()))
            self.commits += 1
            self.commit_seconds += self._monotonic() - started
            self._commit_at = started + COMMIT_SECONDS
        if isinstance(results, Refused):
            results = [results] * len(requests)
        self._answer(
            [partial(each.done, result) for each, result in zip(requests, results, strict=True)]
        )
        return len(requests)

    def _backup(self, path: Path, store: Store, _: StoreClock) -> OSError | None:
        try:
            store.backup(path, self._serve_between)
        except OSError as error:
            return error
        return None

    def _serve_between(self) -> None:
        """Go on within a job that takes long."""
        self._serve()
        if self._supervisor.is_closed:
            raise StoreUnavailable("closed after another fault")

    def _keep_house(self) -> None:
        """Do what is due without a request: a slice of expiry, and what follows the last one."""
        attempt = self._supervisor.attempt
        started = self._monotonic()
        is_more = attempt(lambda store, clock: store.housekeep(clock.now(), clock.latest()))
        now = self._monotonic()
        if is_more is True:
            # Between two slices as much time as the first one took.
            self._housekeep_at = now + (now - started)
            return
        self._housekeep_at = now + HOUSEKEEPING_SECONDS
        if now >= self._save_at:
            self._save_at = now + CLOCK_SAVED_SECONDS
            attempt(lambda store, clock: store.save_time(clock.now()))
        if now >= self._check_at:
            self._check_at = now + CHECK_SECONDS
            attempt(lambda store, _: store.check())
        usage = attempt(lambda store, _: store.usage())
        if not isinstance(usage, Refused):
            self.usage = usage

    def _answer(self, results: list[Callable[[], None]]) -> None:
        self._call_owner(partial(_call_all, results))


def _call_all(results: list[Callable[[], None]]) -> None:
    # Calls the others also if one raises.
    with ExitStack() as stack:
        for result in reversed(results):
            stack.callback(result)
