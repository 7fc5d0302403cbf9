"""``vault-relay check URL``: tries a relay step by step, as two devices of a throw-away channel."""

import json
import sys
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import react

from vaultrelay import __version__
from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.check_options import USAGE, BadUsage, CheckOptions, read_options
from vaultrelay.commands.checkup import Checkup
from vaultrelay.commands.checkup.url import shown


def main(arguments: list[str]) -> int:
    """Check, and report step by step; return 0 if all passed, 1 if not, 2 for a bad command
    line."""
    if "--help" in arguments:
        print(USAGE, end="")
        return 0
    if "--version" in arguments:
        print_result(f"vault-relay {__version__}")
        return 0
    try:
        options = read_options(arguments)
    except BadUsage as error:
        stop_with(f"{error}; see vault-relay check --help")
    if not options.as_json:
        print(f"Checking {shown(options.url)}\n")
    checkup = Checkup(
        real_reactor(),
        options.url,
        _ignore if options.as_json else _print_step,
        idle_seconds=options.idle_seconds,
        progress=_tell,
    )

    def work(reactor: Any) -> Deferred[None]:
        running = ensureDeferred(checkup.run())
        # Otherwise a step would report the end of its connections as a fault.
        reactor.addSystemEventTrigger("before", "shutdown", running.cancel)
        return running

    # react() always leaves this way; the result is in the checkup.
    with suppress(SystemExit):
        react(work)
    _sum_up(checkup, options)
    if not checkup.passed or not checkup.results:
        return 1
    return 1 if options.is_strict and checkup.warnings else 0


def _sum_up(checkup: Checkup, options: CheckOptions) -> None:
    count = len(checkup.warnings)
    if options.as_json:
        summary = {
            "url": shown(options.url),
            "passed": checkup.passed,
            "warnings": checkup.warnings,
            "steps": checkup.results,
        }
        print_result(json.dumps(summary, indent=2))
    elif not checkup.passed:
        print("\nNot passed.")
    elif count:
        print(f"\nPassed, with {count} warning{'' if count == 1 else 's'}.")
    else:
        print("\nAll passed.")


def _print_step(result: dict[str, Any]) -> None:
    verdict = "ok  " if result["passed"] else "FAIL"
    print(
        f"  {verdict}  {result['step']:<11}{result['detail']} ({1000 * result['seconds']:.0f} ms)"
    )
    for warning in result["warnings"]:
        print(f"  warn  {result['step']:<11}{warning['detail']}")


def _tell(progress: str) -> None:
    """Print why there is no result yet; not to a program."""
    print(f"  ...   {progress}", file=sys.stderr, flush=True)


def _ignore(result: dict[str, Any]) -> None:
    pass
