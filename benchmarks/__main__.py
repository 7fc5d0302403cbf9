"""The benchmarks: the relay and its rivals under the same loads, in turn.

    .venv/bin/python -m benchmarks [--quick] [--only LOAD,...] [--servers NAME,...]
                                   [--runs NUMBER] [--publish FOLDER] [TREE ...]

The last table has every figure beside the target of the relay, which stands in it as installed and
as `relay-pure`, without its compiled half. A rival that cannot be installed is left out. Each TREE
is a folder with another `vaultrelay` in it, measured beside this one. Needs Linux and a C compiler.
The server has one core for itself and the load generator another. The figure to trust is the CPU of
the server process; the rates also show what else the machine does.
"""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import charts, generator, machine
from benchmarks.loads import LOADS
from benchmarks.proof_cost import proof_microseconds
from benchmarks.results import Results, connection_table, join_table, message_table
from benchmarks.rivals_setup import Rivals
from benchmarks.servers import RELAYS, RIVALS, ROOT, Server, relay, rivals
from benchmarks.suite import Pace, Suite, startable
from tests.authority import issue, write_pair

BUILD = ROOT / "build" / "bench"
JOINS = {"join": False, "tls-join": True}
"""Whether with TLS."""
CONNECTIONS = {"connections": False, "tls-connections": True}
"""Whether with TLS."""
THOROUGH = Pace(runs=5, seconds=0.25, connection_runs=3, connections=1000, bursts=16)
QUICK = Pace(runs=3, seconds=0.15, connection_runs=1, connections=400, bursts=8)
QUICK_SERVERS = ("relay", "picows", "websockets", "autobahn")


def main() -> None:
    """Measure what the command line asks for, and write it down."""
    asked = _arguments()
    # A signal must end the server that runs, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    BUILD.mkdir(parents=True, exist_ok=True)
    machine.prepare()
    servers = startable(_servers(asked.servers, [ROOT, *asked.trees]))
    certificate = write_pair(BUILD, issue(("relay.test",)))
    pace = QUICK if asked.quick else THOROUGH
    if asked.runs:
        pace = pace._replace(runs=asked.runs, connection_runs=asked.runs)
    suite = Suite(servers, pace, generator.build(BUILD), certificate)
    found = Results(
        about=machine.description() | {"date": datetime.now(UTC).isoformat(timespec="minutes")},
        versions={server.name: server.version for server in servers},
        proof_microseconds=proof_microseconds(),
    )
    print(*(f"{name}: {value}" for name, value in (found.about | found.versions).items()), sep="\n")
    for load in LOADS:
        if load.name in asked.only:
            runs = suite.messages(load)
            found.loads.append((load, runs))
            print("", message_table(load, runs), sep="\n", flush=True)
    for name, tls in JOINS.items():
        if name in asked.only:
            title = f"join in bursts{', TLS' if tls else ''}"
            joined = suite.joins(tls)
            found.joins.append((name, title, joined))
            print("", join_table(title, joined), sep="\n", flush=True)
    for name, tls in CONNECTIONS.items():
        if name in asked.only:
            title = f"{pace.connections} connections{', TLS' if tls else ''}"
            connected = suite.connections(tls)
            found.connections.append((name, title, connected))
            print("", connection_table(title, connected), sep="\n", flush=True)
    print("", found.summary(), sep="\n")
    _write(found, asked.publish or BUILD)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="fewer runs, loads and servers")
    parser.add_argument("--only", type=_words, help="loads, separated by commas")
    parser.add_argument("--servers", type=_words, help="servers, separated by commas")
    parser.add_argument("--runs", type=int, help="of each load on each server")
    parser.add_argument("--publish", type=Path, help="folder for the results and the charts")
    parser.add_argument("trees", type=Path, nargs="*", metavar="TREE", help="another source tree")
    asked = parser.parse_args()
    every = [*(load.name for load in LOADS), *JOINS, *CONNECTIONS]
    quick = [*(load.name for load in LOADS if load.quick), *JOINS, *CONNECTIONS]
    if unknown := set(asked.only or ()) - set(every):
        parser.error(f"no such load: {', '.join(unknown)}. There are {', '.join(every)}")
    known = (*RELAYS, *RIVALS)
    if unknown := set(asked.servers or ()) - set(known):
        parser.error(f"no such server: {', '.join(unknown)}. There are {', '.join(known)}")
    asked.only = asked.only or (quick if asked.quick else every)
    asked.servers = asked.servers or (QUICK_SERVERS if asked.quick else known)
    return asked


def _words(text: str) -> list[str]:
    return text.split(",")


def _servers(names: list[str], trees: list[Path]) -> list[Server]:
    """The relays that are asked for, and those of the rivals that can be had."""
    found = [
        relay(tree.resolve(), is_pure=name == "relay-pure")
        for name in RELAYS
        if name in names
        for tree in trees
    ]
    wanted = [name for name in names if name not in RELAYS]
    if wanted:
        had = {server.name: server for server in rivals(Rivals(BUILD))}
        found += [had[name] for name in wanted if name in had]
        for name in wanted:
            if name not in had:
                print(f"{name} could not be installed, and is left out.")
    return found


def _write(found: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"results.json": found.as_json()}
    if found.loads:
        files["cpu.svg"] = charts.message_chart(found)
    if found.connections:
        files["memory.svg"] = charts.memory_chart(found)
    for name, text in files.items():
        (folder / name).write_text(text)
    print(f"\nIn {folder}: {', '.join(files)}")


if __name__ == "__main__":
    main()
