"""One address that has the relay for itself: messages as many as the core can serve."""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import generator, machine, messages
from benchmarks.loads import LOADS
from benchmarks.servers import ROOT, relay
from benchmarks.trials.beside import HOSTILE, PROXY
from benchmarks.trials.stage import Terms, report
from tests.authority import issue, write_pair

_LOADS = ("1k-flood", "1k", "64k")
_LOADS_TLS = ("tls-1k", "tls-64k")
_SECONDS = 1.5


async def one_address(terms: Terms) -> None:
    """100 pairs of one address, by a load generator in C; in each run a new relay."""
    machine.prepare()
    server = relay(terms.tree or ROOT)
    server = replace(server, program=(*server.program, *PROXY, "--log-level", "error"))
    names = _LOADS_TLS if terms.tls else _LOADS
    with tempfile.TemporaryDirectory() as folder:
        library = generator.build(Path(folder))
        certificate = write_pair(Path(folder), issue(["relay.test"]))
        for load in (each for each in LOADS if each.name in names):
            for _ in range(terms.times):
                run = messages.measure(server, load, _SECONDS, library, certificate, HOSTILE)
                report(
                    f"one address, {load.title}: {run.per_second:.0f} messages a second, "
                    f"{run.cpu_microseconds:.1f} us of CPU for each"
                )
