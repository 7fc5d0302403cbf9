"""The runs: every server in turn, again and again, so that a noisy minute meets all of them."""

import sys
from collections.abc import Callable, Sequence
from ctypes import CDLL
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from OpenSSL import SSL

from benchmarks import connections, joins, messages
from benchmarks.connections import ConnectionRun
from benchmarks.generator import Incomplete
from benchmarks.joins import JoinRun
from benchmarks.lines import Refused
from benchmarks.loads import Load
from benchmarks.messages import MessageRun
from benchmarks.results import Run, Runs
from benchmarks.server_process import NotStarted
from benchmarks.servers import Server

FAILURES = (Incomplete, NotStarted, Refused, OSError, SSL.Error)
"""Of one run; the others go on."""


class Pace(NamedTuple):
    """How much of everything is done."""

    runs: int
    seconds: float
    connection_runs: int
    connections: int
    bursts: int


def startable(servers: Sequence[Server]) -> list[Server]:
    """Those that start. A first start also leaves compiled modules behind, which costs memory."""
    found = []
    for server in servers:
        try:
            with server.running(None):
                found.append(server)
        except NotStarted as failure:
            print(f"{server.name} does not start, and is left out: {failure}", file=sys.stderr)
    return found


@dataclass(frozen=True)
class Suite:
    """What all runs share."""

    servers: Sequence[Server]
    pace: Pace
    library: CDLL
    certificate: tuple[Path, Path]

    def messages(self, load: Load) -> Runs[MessageRun]:
        """All runs of one load."""
        servers = [
            each for each in self._speaking(load.tls) if load.receivers == 1 or each.fans_out
        ]
        measure = partial(
            messages.measure,
            load=load,
            seconds=self.pace.seconds,
            library=self.library,
            certificate=self.certificate,
        )
        return _in_turn(servers, self.pace.runs, measure)

    def joins(self, tls: bool) -> Runs[JoinRun]:
        """All runs of joins."""
        measure = partial(
            joins.measure, tls=tls, bursts=self.pace.bursts, certificate=self.certificate
        )
        return _in_turn(self._speaking(tls), self.pace.runs, measure)

    def connections(self, tls: bool) -> Runs[ConnectionRun]:
        """All runs of connections."""
        measure = partial(
            connections.measure,
            tls=tls,
            connections=self.pace.connections,
            library=self.library,
            certificate=self.certificate,
        )
        return _in_turn(self._speaking(tls), self.pace.connection_runs, measure)

    def _speaking(self, tls: bool) -> list[Server]:
        return [each for each in self.servers if each.has_tls or not tls]


def _in_turn(servers: Sequence[Server], runs: int, measure: Callable[[Server], Run]) -> Runs[Run]:
    found: Runs[Run] = {}
    for _ in range(runs):
        for server in servers:
            try:
                run = measure(server)
            except FAILURES as failure:
                print(f"{server.name}: a run failed: {failure!r}", file=sys.stderr)
            else:
                found.setdefault(server.name, []).append(run)
    return found
