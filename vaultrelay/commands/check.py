"""``vault-relay check URL``: tests a relay step by step, as two devices of a temporary channel."""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import react

from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.check_options import PARSER, CheckOptions, read_options
from vaultrelay.commands.checkup import Checkup
from vaultrelay.commands.checkup.url import shown

__all__ = ["PARSER", "main"]


def main(arguments: list[str]) -> int:
    """Test, and report step by step; return 0 if all passed, 1 if not, 2 for invalid arguments."""
    options = read_options(arguments)
    if not options.json:
        print(f"Checking {shown(options.url)}\n")
    checkup = Checkup(
        real_reactor(),
        options.url,
        (lambda _: None) if options.json else _print_step,
        idle_seconds=options.idle,
        progress=_print_progress,
    )

    def work(reactor: Any) -> Deferred[None]:
        running = ensureDeferred(checkup.run())
        # Otherwise a step would report the end of its connections as a fault.
        reactor.addSystemEventTrigger("before", "shutdown", running.cancel)
        return running

    # react() always leaves this way; the result is in the checkup.
    with suppress(SystemExit):
        react(work)
    _print_summary(checkup, options)
    has_passed = checkup.passed and checkup.results
    return int(not has_passed or (options.strict and bool(checkup.warnings)))


def _print_summary(checkup: Checkup, options: CheckOptions) -> None:
    if options.json:
        summary = {
            "url": shown(options.url),
            "passed": checkup.passed,
            "warnings": checkup.warnings,
            "steps": checkup.results,
        }
        print_result(json.dumps(summary, indent=2))
        return
    count = len(checkup.warnings)
    passed = (
        f"Passed, with {count} warning{'' if count == 1 else 's'}."
        if count
        else "All steps passed."
    )
    print(f"\n{passed if checkup.passed else 'Failed.'}")


def _print_step(result: Mapping[str, Any]) -> None:
    verdict = "ok  " if result["passed"] else "FAIL"
    print(
        f"  {verdict}  {result['step']:<11}{result['detail']} ({1000 * result['seconds']:.0f} ms)"
    )
    for warning in result["warnings"]:
        print(f"  warn  {result['step']:<11}{warning['detail']}")


def _print_progress(text: str) -> None:
    """Print the reason why there is no result yet, for people."""
    print(f"  ...   {text}", file=sys.stderr, flush=True)
