"""One run of devices that join one server in bursts: CPU for each."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.lines import Dial, client_context
from benchmarks.servers import Server

BURST = 50
"""Devices that are under way at once, so that the server finds the next one as it ends one."""
WARM_BURSTS = 4


@dataclass(frozen=True)
class JoinRun:
    """What one run showed."""

    cpu_microseconds: float


def measure(server: Server, tls: bool, bursts: int, certificate: tuple[Path, Path]) -> JoinRun:
    """Let bursts of devices join; those of one leave before the next one comes."""
    spent = 0.0
    with server.running(certificate if tls else None) as process:
        dial = Dial(process.port, client_context() if tls else None)
        for number in range(WARM_BURSTS + bursts):
            before = process.cpu_microseconds()
            lines = server.crowd(dial, BURST)
            if number >= WARM_BURSTS:
                spent += process.cpu_microseconds() - before
            for line in lines:
                line.close()
    return JoinRun(spent / (bursts * BURST))
