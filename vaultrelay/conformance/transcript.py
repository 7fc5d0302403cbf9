"""Transcript: what passed between kit, adapter and client in one case, for a report."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from vaultrelay.conformance.case import Step
from vaultrelay.conformance.failure import shown
from vaultrelay.conformance.limits import MAX_TRANSCRIPT_CHARS, MAX_TRANSCRIPT_LINES


class Transcript:
    """The last lines of a case, with the real time since its begin. `now` is in seconds.

    A line may be given by a function that returns it, called only for a report: most cases pass.

    It holds the keys of cases only, which are made of their names.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began_at = now()
        self._kept: deque[tuple[float, str, str | Callable[[], str]]] = deque(
            maxlen=MAX_TRANSCRIPT_LINES
        )
        self._count = 0
        self._is_over = False

    def record(self, source: str, text: str | Callable[[], str]) -> None:
        """Add a line: who sent what."""
        if self._is_over:
            return
        self._count += 1
        self._kept.append((self._now() - self._began_at, source, text))

    def step(self, number: int, step: Step) -> None:
        """A step of the case begins."""
        self.record(f"step {number}", lambda: f"{step.verb} {json.dumps(step.arguments)}")

    def command(self, command: Mapping[str, Any]) -> None:
        """The kit sends a command. Requests for events are left out: there are too many."""
        if command["do"] != "events":
            self.record("command", partial(json.dumps, command))

    def answer(self, command: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """The adapter answers a command; an answer without an event is left out."""
        if command["do"] != "events" or answer != {"events": []}:
            # Not later: the stage takes the events apart.
            self.record("answer", json.dumps(answer)[: MAX_TRANSCRIPT_CHARS + 1])

    def end(self) -> None:
        """Add no more lines."""
        self._is_over = True

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines, after one that counts those before them."""
        left_out = self._count - len(self._kept)
        return (*([f"({left_out} earlier lines)"] if left_out else []), *self._rendered())

    def _rendered(self) -> Iterator[str]:
        for seconds, source, text in self._kept:
            line = text if isinstance(text, str) else text()
            yield f"{seconds:7.3f}  {source:<9} {shown(line, MAX_TRANSCRIPT_CHARS)}"
