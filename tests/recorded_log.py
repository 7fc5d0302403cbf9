"""A relay's log that a test can read."""

from typing import Any

from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from vaultrelay.logs.relay_log import RelayLog
from vaultrelay.logs.stderr import StderrOutput


class RecordedLog(RelayLog):
    """Keeps the events, and publishes them too: a logged error turns a test red."""

    def __init__(self, output: StderrOutput | None = None) -> None:
        self.events: list[LogEvent] = []
        observer: Any = self._observe
        super().__init__(output or StderrOutput(), observer)

    @property
    def lines(self) -> list[str]:
        """The texts of the events."""
        return [formatEvent(event) for event in self.events]

    def _observe(self, event: LogEvent) -> None:
        self.events.append(event)
        globalLogPublisher(event)
