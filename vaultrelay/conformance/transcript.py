"""Transcript: what passed between kit, adapter and client in one case, for a report."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from vaultrelay.conformance.case import Step
from vaultrelay.conformance.failure import shown
from vaultrelay.conformance.limits import MAX_TRANSCRIPT_CHARS, MAX_TRANSCRIPT_LINES


class Transcript:
    """The last lines of a case, with the real time since its begin. `now` is in seconds.

    It holds the keys of cases only, which are made of their names.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began_at = now()
        self._lines: deque[str] = deque(maxlen=MAX_TRANSCRIPT_LINES)
        self._count = 0

    def record(self, source: str, text: str) -> None:
        """Add a line: who sent what."""
        self._count += 1
        seconds = self._now() - self._began_at
        self._lines.append(f"{seconds:7.3f}  {source:<9} {shown(text, MAX_TRANSCRIPT_CHARS)}")

    def step(self, number: int, step: Step) -> None:
        """A step of the case begins."""
        self.record(f"step {number}", f"{step.verb} {json.dumps(step.arguments)}")

    def command(self, command: Mapping[str, Any]) -> None:
        """The kit sends a command. Requests for events are left out: there are too many."""
        if command["do"] != "events":
            self.record("command", json.dumps(command))

    def answer(self, command: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """The adapter answers a command; an answer without an event is left out."""
        if command["do"] != "events" or answer != {"events": []}:
            self.record("answer", json.dumps(answer))

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines, after one that counts those before them."""
        left_out = self._count - len(self._lines)
        return (*([f"({left_out} earlier lines)"] if left_out else []), *self._lines)
