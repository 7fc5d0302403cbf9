"""A relay whose options stand in a file, for tests of what a reload changes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock

from tests.memory import Wire
from tests.recorded_log import RecordedLog
from vaultrelay.app.reload import Reloader
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings_loader import SettingsLoader
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits.files import WATCH_SECONDS

TOKEN = "a-token-of-the-operators"
KICKED = (4510, "kicked")


class Reactor(MemoryReactorClock):
    """Time, and calls from threads."""

    def callFromThread(self, call: Callable[..., object], *arguments: object) -> None:
        call(*arguments)


class Running:
    """A relay whose options stand in a file, and time to notice its changes."""

    def __init__(
        self,
        folder: Path,
        config: str,
        log: RecordedLog,
        start: Callable[[Callable[[], None]], None] = lambda work: work(),
    ) -> None:
        self.config = folder / "relay.toml"
        self.config.write_text(config)
        self.log = log
        self.clock: Any = Reactor()
        reader = SettingsReader({"config": [str(self.config)]}, {}, self.clock)
        self.service = RelayService(reader.read(), self.clock, log=log)
        self.broker = self.service.broker
        self.loader = SettingsLoader(reader, self.service.settings)
        self.reloader = Reloader(
            self.service,
            self.loader,
            reactor=self.clock,
            fit=lambda settings: settings,
            start=start,
            log=log,
        )
        self.reloader.startService()
        self.service._watch.look()
        self._rounds = 0

    @property
    def lines(self) -> list[str]:
        """What the relay logged, each line with its level."""
        return [
            f"{event['log_level'].name}: {line}"
            for event, line in zip(self.log.events, self.log.lines, strict=True)
        ]

    def connect(self, **headers: str) -> Wire:
        door = self.service.dispatcher.buildProtocol(None)
        assert door is not None
        wire = Wire(door)
        wire.answer = wire.upgrade(**headers)  # type: ignore[attr-defined]
        return wire

    def join(self, device: bytes = b"device-a", **headers: str) -> Wire:
        wire = self.connect(**headers)
        wire.hello(device)
        assert wire.session
        return wire

    def write(self, text: str, path: Path | None = None) -> list[str]:
        """Write a file; what the relay says when it has noticed."""
        path = path or self.config
        path.write_text(text)
        self._rounds += 1
        # However coarse the times of this file system are.
        os.utime(path, (self._rounds, self._rounds))
        return self.wait()

    def wait(self) -> list[str]:
        self.log.events.clear()
        for _ in range(3):
            self.clock.advance(WATCH_SECONDS)
        return self.lines

    def stop(self) -> None:
        self.reloader.stopService()
        assert not [call for call in self.clock.getDelayedCalls() if "_look" in str(call.func)]
