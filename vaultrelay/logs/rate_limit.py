"""LineLimit: a limit on lines of one kind in a minute; further ones are counted and reported
later."""

import re
import time
from collections import Counter
from collections.abc import Callable

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from vaultrelay.policy.limits.logs import LOG_KINDS, LOG_LINES_OF_A_KIND, SUMMARY_SECONDS

_END_OF_BEGINNING = re.compile("[{:,;]")


@implementer(ILogObserver)
class LineLimit:
    """Passes events on, and suppresses those above the limit of their kind.

    A kind is a level and the format string of a line, which is ours or a library's and never a
    peer's.
    """

    def __init__(self, observer: ILogObserver, clock: Callable[[], float] = time.monotonic) -> None:
        self._observer = observer
        self._clock = clock
        self._began_at = clock()
        self._passed: Counter[tuple[LogLevel | None, str]] = Counter()
        self._suppressed: Counter[tuple[LogLevel | None, str]] = Counter()

    def __call__(self, event: LogEvent) -> None:
        now = self._clock()
        if now - self._began_at >= SUMMARY_SECONDS:
            self._began_at = now
            self._passed.clear()
        kind = event.get("log_level"), str(event.get("log_format"))
        if kind not in self._passed and len(self._passed) >= LOG_KINDS:
            # A library that formats values into its strings; all such lines are one kind.
            kind = (kind[0], "")
        if self._passed[kind] < LOG_LINES_OF_A_KIND:
            self._passed[kind] += 1
            self._observer(event)
        else:
            self._suppressed[kind] += 1

    def take_suppressed(self) -> list[tuple[str, int]]:
        """Return the number of suppressed lines of each kind since the last call.

        A kind is described by the beginning of its lines.
        """
        found = [
            (_END_OF_BEGINNING.split(text, 1)[0].strip() or "others", count)
            for (_, text), count in self._suppressed.items()
        ]
        self._suppressed.clear()
        return sorted(found)
