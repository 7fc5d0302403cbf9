"""Runs the commands with standard streams of many states: one process that forks for each case.

Importing Twisted takes half a second, and a fork a hundredth of that. Reads cases as JSON from
standard input, and writes their outcomes: exit status, standard output and standard error.
"""

import io
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from vaultrelay import commands
from vaultrelay.app import lean_imports

_FLUSH_FAILED = 120
"""The exit status of Python where the streams cannot be flushed at the end."""


def _full(descriptor: int) -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)


def _gone(descriptor: int) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.dup2(write_end, descriptor)


_STATES: dict[str, Callable[[int], None]] = {"closed": os.close, "full": _full, "gone": _gone}


def main() -> None:
    lean_imports.install()
    for name in ("run", *commands.COMMANDS):
        import_module(f"vaultrelay.commands.{name}")
    # A second of throughput shows nothing more here.
    vars(import_module("vaultrelay.commands.checkup.traffic"))["FLOOD_SECONDS"] = 0.01
    assert "twisted.internet.reactor" not in sys.modules, "each fork has its own"
    json.dump([_outcome(case) for case in json.load(sys.stdin)], sys.stdout)


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _run(case, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "out": out.read().decode("latin-1"),
            "err": err.read().decode("latin-1"),
        }


def _run(case: dict[str, Any], out: int, err: int) -> NoReturn:
    """Run a command as a process of its own does, up to its exit."""
    for number, file, state in ((1, out, case["out"]), (2, err, case["err"])):
        os.dup2(file, number)
        if state in _STATES:
            _STATES[state](number)
    streams: Any = sys
    streams.stdout = streams.__stdout__ = _initial(1, case["encoding"], "strict")
    streams.stderr = streams.__stderr__ = _initial(2, case["encoding"], "backslashreplace")
    sys.argv = ["vault-relay", *case["arguments"]]
    status: Any = 1
    try:
        commands.main()
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        if streams.stderr is not None:
            traceback.print_exc()
    try:
        for stream in (streams.stdout, streams.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        status = _FLUSH_FAILED
    os._exit(status)


def _initial(descriptor: int, encoding: str, errors: str) -> Any:
    """A stream as the interpreter has it at its start: None if it is closed."""
    try:
        raw = io.FileIO(descriptor, "wb", closefd=False)
    except OSError:
        return None
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors)


if __name__ == "__main__":
    main()
