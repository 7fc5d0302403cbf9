"""``vault-relay conformance``: plays the cases of the conformance kit to a client."""

import shutil
import signal
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import react

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.conformance.adapter import AdapterFault
from vaultrelay.conformance.adapter_process import AdapterProcess
from vaultrelay.conformance.case import Case
from vaultrelay.conformance.catalogue import catalogue
from vaultrelay.conformance.limits import PATIENCE_SECONDS
from vaultrelay.conformance.report import has_passed, junit, list_line, result_lines, summary
from vaultrelay.conformance.runner import Result, Runner, Verdict

PARSER = command_parser(
    "conformance",
    """
Starts the ADAPTER, a program that drives the client and speaks JSON lines, plays the cases to it as
a relay on 127.0.0.1, and reports what the client did otherwise than docs/protocol.rst has it. The
page docs/conformance.rst describes the adapter. It is started without a shell.
""",
    notes="""
The exit status is 0 if no case failed, except those of the level "should"; 1 if another case
failed, the adapter does not start or the run is interrupted; 2 for invalid options or arguments.

Examples:

  vault-relay conformance --list
  vault-relay conformance -- node adapter.js
  vault-relay conformance --only 'back-off-*' --only lost --junit report.xml -- ./adapter
""",
    usage="vault-relay conformance [-h] [-V] [OPTION ...] -- ADAPTER [ARGUMENT ...]",
    unexpected="'{}' is not an option; write -- before the adapter",
    arguments=(
        argument("--list", action="store_true", help="Print the cases, one a line, and exit."),
        argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="Play this case only, or those that match a pattern such as 'close-*'. May be "
            "repeated.",
        ),
        argument("--junit", metavar="FILE", help="Write the results to FILE, in JUnit's format."),
        argument(
            "--strict", action="store_true", help='Fail for a case of the level "should", too.'
        ),
        argument(
            "--quiet", action="store_true", help="Print the failed cases and the summary only."
        ),
        argument(
            "--patience",
            metavar="SECONDS",
            type=float,
            default=PATIENCE_SECONDS,
            help=f"Wait so long for the client in each step. The default is {PATIENCE_SECONDS:g}.",
        ),
    ),
)


def main(arguments: list[str]) -> int:
    """Play the cases; return 0 if the client passes, 1 if not, 2 for invalid arguments."""
    options, command = _split(arguments)
    found = PARSER.read(options)
    cases = _selected(found.only)
    if found.list:
        print_result("\n".join(map(list_line, cases)))
        return 0
    if not found.patience > 0:
        stop_with("--patience: it is more than 0 seconds")
    command, reactor = _with_path(command), real_reactor()
    if found.junit:
        # Report an unwritable file now: after the run, which takes minutes, the results are lost.
        _write(found.junit, b"", "ab")
    runner = Runner(
        reactor, lambda: AdapterProcess(reactor, command, found.patience), found.patience
    )
    results: list[Result] = []

    def report(result: Result) -> None:
        results.append(result)
        if result.verdict is Verdict.FAILED or not found.quiet:
            print("\n".join(result_lines(result)), flush=True)

    faults = _run(runner, cases, report)
    print_result(summary(runner.client or command[0], results))
    if found.junit:
        _write(found.junit, junit(runner.client, results), "wb")
    for fault in faults:
        print_result(fault)
    return int(bool(faults) or not has_passed(results, is_strict=found.strict))


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the options, and the command after the first --."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def _selected(patterns: list[str]) -> list[Case]:
    """Return the cases that match. Exits if a pattern matches none."""
    cases = catalogue()
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in cases):
            stop_with(f"--only: no case is named {pattern!r}; see vault-relay conformance --list")
    return [
        case
        for case in cases
        if not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)
    ]


def _with_path(command: list[str]) -> list[str]:
    """Return the command with the path of its program. Exits if there is none."""
    if not command:
        stop_with("no adapter: write its command after --; see vault-relay conformance --help")
    path = shutil.which(command[0])
    if path is None:
        stop_with(f"the adapter {command[0]!r} is not a program that can be run")
    return [path, *command[1:]]


def _run(runner: Runner, cases: list[Case], report: Any) -> list[str]:
    """Play the cases in the reactor; return the reason if not all of them were played."""
    faults: list[str] = []

    async def play() -> None:
        try:
            await runner.run(cases, report)
        except AdapterFault as fault:
            faults.append(f"The adapter: {fault}.")
        except CancelledError:
            faults.append("The run was interrupted: not all cases were played.")
        except Exception:
            faults.append("An error of the kit ended the run: not all cases were played.")
            raise

    def work(reactor: Any) -> Deferred[None]:
        playing = ensureDeferred(play())

        def interrupt() -> Deferred[None]:
            # The reactor stops after the adapter has ended. A second signal ends the kit at once.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            playing.cancel()
            return playing

        reactor.addSystemEventTrigger("before", "shutdown", interrupt)
        return playing

    # react() always leaves this way.
    with suppress(SystemExit):
        react(work)
    return faults


def _write(path: str, report: bytes, mode: Literal["ab", "wb"]) -> None:
    try:
        with Path(path).open(mode) as file:
            file.write(report)
    except OSError as error:
        stop_with(f"--junit: {path}: {error.strerror}")
