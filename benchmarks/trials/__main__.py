"""Run the trials that are named, or all, on a plain relay and on one with TLS.

::

    python -m benchmarks.trials [NAME ...] [--tree FOLDER] [--only ws|wss] [--times K]
                                [--seconds S] [--minutes M] [--max-buffer BYTES]
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
from pathlib import Path

from benchmarks.trials import (
    alone,
    bursts,
    busy,
    crowds,
    ends,
    files,
    hostile,
    joins,
    mailbox,
    mailbox_greedy,
    mailbox_kills,
    mailbox_load,
    storm,
    waiting,
)
from benchmarks.trials.stage import Terms, Trial, report

TRIALS: dict[str, Trial] = {
    "half-open": waiting.half_open,
    "silent": waiting.silent,
    "connects": joins.connects,
    "descriptors": ends.no_descriptors,
    "drain": ends.drain,
    "restart": joins.restart,
    "proofs": joins.proofs,
    "closes": waiting.closes,
    "burst": bursts.burst,
    "day_of_bursts": bursts.day_of_bursts,
    "lazy_crowd": crowds.lazy_crowd,
    "hostile_crowd": hostile.hostile_crowd,
    "half_messages": hostile.half_messages,
    "busy_address": busy.busy_address,
    "one_address": alone.one_address,
    "hanging_files": files.hanging_files,
    "storm": storm.storm,
    "mailbox_memory": mailbox.memory,
    "mailbox_load": mailbox_load.load,
    "mailbox_rate": mailbox.rate,
    "mailbox_greedy": mailbox_greedy.greedy,
    "mailbox_kills": mailbox_kills.kills,
}


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trials", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TRIALS))
    parser.add_argument("--tree", type=Path, help="source tree of another relay")
    parser.add_argument("--only", choices=("ws", "wss"), help="without TLS, or with it")
    parser.add_argument("--times", type=int, default=3, help="runs of burst and one_address")
    parser.add_argument("--seconds", type=float, default=20, help="of the main phase")
    parser.add_argument("--minutes", type=float, help="of day_of_bursts")
    parser.add_argument("--max-buffer", type=int, help="of the relay, not the trial's own")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in TRIALS]
    if unknown:
        parser.error(f"unknown trial: {', '.join(unknown)}")
    return asked


def main() -> None:
    """Run them one after another."""
    asked = _asked()
    # A signal must end the relay that runs, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    cores = os.sched_getaffinity(0)
    report(f"{len(cores)} cores, load average {os.getloadavg()[0]:.1f} before the first trial")
    for name in asked.names or TRIALS:
        for scheme in [asked.only] if asked.only else ["ws", "wss"]:
            os.sched_setaffinity(0, cores)
            terms = Terms(
                tls=scheme == "wss",
                tree=asked.tree and asked.tree.resolve(),
                times=asked.times,
                seconds=asked.seconds,
                minutes=asked.minutes,
                max_buffer=asked.max_buffer,
            )
            asyncio.run(TRIALS[name](terms))


if __name__ == "__main__":
    main()
