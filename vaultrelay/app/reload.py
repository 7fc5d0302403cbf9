"""Reloader: applies changed options to a running relay, after a change of files or a signal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.app.service import RelayService
from vaultrelay.config.file_watcher import FileWatcher
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.files import READ_AGAIN_SECONDS, TICKET_KEY_SECONDS, WATCH_SECONDS
from vaultrelay.transport.periodic import PeriodicTask


class Reloader(Service):
    """Reads the options again when their files change, on request, and daily.

    The daily reload renews the keys of TLS session tickets.

    `fit` reduces settings to the limits of the process. Each reload runs within `around`.
    """

    def __init__(
        self,
        relay: RelayService,
        reader: SettingsReader,
        *,
        clock: IReactorTime,
        fit: Callable[[Settings], Settings],
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        log: RelayLog,
    ) -> None:
        self._log = log
        self._relay = relay
        self._fit = fit
        self._around = around
        self._reader = reader
        self._files = FileWatcher(*reader.files(relay.settings))
        self._polling = PeriodicTask(
            self._poll, clock, "Cannot check the option files for changes", log=log
        )
        self._is_requested = False
        self._clock = clock
        self._renew_at = self._read_at = clock.seconds() + TICKET_KEY_SECONDS

    def startService(self) -> None:
        super().startService()
        self._polling.start(WATCH_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._polling.stop()

    def request(self) -> None:
        """Request a reload at the next poll, one for all requests: signals may arrive faster."""
        self._is_requested = True

    def reload(self, is_timed: bool = False) -> None:
        """Read all options again, and apply those that do not take a restart.

        `is_timed`: not on request, so nothing is logged without a change.
        """
        if self._relay.broker.draining:
            return
        with self._around():
            self._files.has_changed()
            before = self._relay.settings
            settings, errors = self._reader.read_all(before)
            now = self._clock.seconds()
            is_renewal = now >= self._renew_at
            restart = self._relay.change(
                self._fit(settings), read_errors=errors, renew_tickets=is_renewal
            )
            if is_renewal and not errors:
                self._renew_at = now + TICKET_KEY_SECONDS
            self._read_at = now + READ_AGAIN_SECONDS if errors else self._renew_at
            after = self._relay.settings
            self._files.watch(*self._reader.files(after))
            for name in () if is_timed else restart:
                self._log.warn(
                    "{option} has changed; restart the relay to apply it",
                    option=after.source_of(name),
                )
            changed = ", ".join(_changes(before, after))
            if changed or not is_timed:
                self._log.info("Options reloaded; changed: {changed}", changed=changed or "nothing")

    def _poll(self) -> None:
        is_requested, self._is_requested = self._is_requested, False
        if self._files.has_changed() or is_requested:
            self.reload()
        elif self._clock.seconds() >= self._read_at:
            self.reload(is_timed=True)


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    """Yield the differences as text, without secrets."""
    old, new = before.effective, after.effective
    yield from (f"{name}={new[name]}" for name in new if old[name] != new[name])
    for noun, then, now in (
        ("tokens", before.access.tokens, after.access.tokens),
        ("channels", before.access.channels, after.access.channels),
    ):
        if then is not None and now is not None and len(then) == len(now) and then != now:
            yield f"{len(now)} different {noun}"
    if after.pairs != before.pairs:
        ends = min(pair.ends for pair in after.certificates)
        yield f"certificate, now valid until {ends:%Y-%m-%d}"
