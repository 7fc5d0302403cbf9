"""Reloading: lets a running relay take what changed in its files, or what a signal asks it to."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from vaultrelay.logs import log
from vaultrelay.options.changes import Changes
from vaultrelay.options.reader import SettingsReader
from vaultrelay.policy.limits import WATCH_SECONDS
from vaultrelay.regularly import Regularly
from vaultrelay.service import RelayService
from vaultrelay.settings import Settings


class Reloader(Service):
    """Reads the options anew when their files change, and when told to.

    `fit` cuts settings down to what the process can do. Each reading is done inside `around`.
    """

    def __init__(
        self,
        relay: RelayService,
        reader: SettingsReader,
        clock: IReactorTime,
        fit: Callable[[Settings], Settings],
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._relay = relay
        self._fit = fit
        self._around = around
        self._reader = reader
        self._changes = Changes(*reader.files(relay.settings))
        self._looking = Regularly(
            self._look, clock, "The files of the options could not be looked at"
        )
        self._asked = False

    def startService(self) -> None:
        super().startService()
        self._looking.start(WATCH_SECONDS)

    def stopService(self) -> None:
        super().stopService()
        self._looking.stop()

    def ask(self) -> None:
        """Reload at the next look, once for all who asked: signals may come faster than it goes."""
        self._asked = True

    def reload(self) -> None:
        """Read all again, and let the relay take what it can of it."""
        if self._relay.broker.draining:
            return
        with self._around():
            self._read()

    def _read(self) -> None:
        self._changes.look()
        before = self._relay.settings
        settings, troubles = self._reader.read_again(before)
        left = self._relay.change(self._fit(settings), troubles)
        after = self._relay.settings
        self._changes.were_read(*self._reader.files(after))
        for name in left:
            log.warn("--{name} has changed, which takes a restart of the relay", name=name)
        log.info(
            "The options were read again; changed: {changed}",
            changed=", ".join(_changes(before, after)) or "nothing",
        )

    def _look(self) -> None:
        asked, self._asked = self._asked, False
        if self._changes.look() or asked:
            self.reload()


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    """What is different, as the log may tell it."""
    told, tells = before.effective, after.effective
    yield from (f"{name}={tells[name]}" for name in tells if told[name] != tells[name])
    for what, then, now in (
        ("tokens", before.access.tokens, after.access.tokens),
        ("channels", before.access.channels, after.access.channels),
    ):
        if then is not None and now is not None and len(then) == len(now) and then != now:
            yield f"{len(now)} other {what}"
    if after.pairs != before.pairs:
        ends = min(pair.ends for pair in after.certificates)
        yield f"the certificate, now good until {ends:%Y-%m-%d}"
