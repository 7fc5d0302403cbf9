"""The machine: which core is whose, how many files, and what it is."""

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILES = 8192
"""Enough for the thousand connections of the memory runs on either side."""
_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]


def prepare() -> None:
    """Keep the load generator off the server's core, and allow enough connections."""
    os.sched_setaffinity(0, {LOAD_CORE})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


@contextmanager
def on_the_servers_core() -> Iterator[None]:
    """What is started here stays on that core, with all its threads from the first one on."""
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {LOAD_CORE})


def description() -> dict[str, str]:
    """What a reader must know to compare figures."""
    information = Path("/proc/cpuinfo").read_text()
    models = [line for line in information.splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(": ")[2] if models else platform.machine(),
        "cores": str(len(_CORES)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
