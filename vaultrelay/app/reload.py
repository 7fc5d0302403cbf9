"""Reloader: applies changed options to a running relay, after a change of files or a signal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.python.failure import Failure

from vaultrelay.app.daemon_thread import start_thread
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_loader import Reading, SettingsLoader
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.files import (
    READ_AGAIN_SECONDS,
    READ_SECONDS,
    TICKET_KEY_SECONDS,
    WATCH_SECONDS,
)
from vaultrelay.transport.periodic import PeriodicTask

_TROUBLE = "Cannot reload the options"


class Reloader(Service):
    """Reads the options again when their files change, on request, and daily.

    Files are checked and read in a thread, one at a time, which may never end: a network file
    system may not answer. The daily reload renews the keys of TLS session tickets.

    `fit` reduces settings to the limits of the process. Each reload is applied within `around`.
    """

    def __init__(
        self,
        relay: RelayService,
        loader: SettingsLoader,
        *,
        reactor: Any,
        fit: Callable[[Settings], Settings],
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        start: Callable[[Callable[[], None]], None] = start_thread,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._relay = relay
        self._fit = fit
        self._around = around
        self._start = start
        self._loader = loader
        self._reactor = reactor
        self._polling = PeriodicTask(self._poll, reactor, _TROUBLE, log=log)
        self._is_requested = False
        self._errors: Sequence[str] = ()
        self._reading_since: float | None = None
        self._is_late = False
        self._renew_at = self._read_at = reactor.seconds() + TICKET_KEY_SECONDS

    def startService(self) -> None:
        super().startService()
        self._polling.start(WATCH_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._polling.stop()

    def request(self) -> None:
        """Request a reload at the next poll, one for all requests: signals may arrive faster."""
        self._is_requested = True

    def _poll(self) -> None:
        now = self._reactor.seconds()
        if self._reading_since is not None:
            if not self._is_late and now - self._reading_since >= READ_SECONDS:
                self._warn_of_delay()
        elif not self._relay.broker.draining:
            is_requested, self._is_requested = self._is_requested, False
            is_renewal = now >= self._renew_at
            load = partial(
                self._loader.load,
                self._relay.settings,
                is_due=now >= self._read_at,
                everything=is_requested or is_renewal,
            )
            self._reading_since = now
            try:
                self._start(lambda: self._read(load, is_requested, is_renewal))
            except RuntimeError:
                # The system has no more threads for now.
                self._reading_since, self._is_requested = None, is_requested
                raise

    def _read(
        self, load: Callable[[], Reading | None], is_requested: bool, is_renewal: bool
    ) -> None:
        """Check and read the files, in the thread."""
        end: Callable[[], object]
        try:
            end = partial(self._apply, load(), is_requested, is_renewal)
        except Exception:
            end = Failure().raiseException
        self._reactor.callFromThread(self._read_ended, end)

    def _read_ended(self, end: Callable[[], object]) -> None:
        self._reading_since = None
        is_late, self._is_late = self._is_late, False
        if not self.running or self._relay.broker.draining:
            return
        try:
            if is_late:
                self._relay.report_read_errors(self._errors)
            end()
        except Exception:
            self._log.failure(_TROUBLE)

    def _warn_of_delay(self) -> None:
        self._is_late = True
        what = self._loader.current or "the files of options"
        error = f"{what} could not be read within {READ_SECONDS} s. Does its file system respond?"
        # A service manager that requested the reload waits for its end.
        with self._around():
            self._relay.report_read_errors([*self._errors, error])

    def _apply(self, reading: Reading | None, is_requested: bool, is_renewal: bool) -> None:
        if reading is None:
            return
        with self._around():
            before, errors = self._relay.settings, reading.errors
            restart = self._relay.change(
                self._fit(reading.settings), read_errors=errors, renew_tickets=is_renewal
            )
            self._errors = errors
            now = self._reactor.seconds()
            if is_renewal and not errors:
                self._renew_at = now + TICKET_KEY_SECONDS
            self._read_at = now + READ_AGAIN_SECONDS if errors else self._renew_at
            self._report(before, restart, is_timed=not (is_requested or reading.has_changed))

    def _report(self, before: Settings, restart: Sequence[str], is_timed: bool) -> None:
        """Log the changes; without any, only a reload that was requested or by changed files."""
        after = self._relay.settings
        for name in () if is_timed else restart:
            self._log.warn(
                "{option} has changed; restart the relay to apply it",
                option=after.source_of(name),
            )
        changed = ", ".join(_changes(before, after))
        if changed or not is_timed:
            self._log.info("Options reloaded; changed: {changed}", changed=changed or "nothing")


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    """Yield the differences as text, without secrets."""
    old, new = before.effective, after.effective
    yield from (f"{name}={new[name]}" for name in new if old[name] != new[name])
    for noun, then, now in (
        ("tokens", before.access.tokens, after.access.tokens),
        ("channels", before.access.channels, after.access.channels),
    ):
        if then is now or then is None or now is None:
            continue
        if len(then) == len(now) and then != now:
            yield f"{len(now)} different {noun}"
    if after.pairs != before.pairs:
        ends = min(pair.ends for pair in after.certificates)
        yield f"certificate, now valid until {ends:%Y-%m-%d}"
