"""``vault-relay check URL``: tries a relay step by step, as two devices of a throw-away channel."""

import json
import sys
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import react
from twisted.python import usage

from vaultrelay import __version__
from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup import Checkup
from vaultrelay.logs import printable
from vaultrelay.process import real_reactor, stop_with

_USAGE = """Usage: vault-relay check URL [--json]

Tries the relay at a URL such as wss://relay.example.org, step by step: name,
TCP, TLS, upgrade, join, echo, largest message, a second of throughput. Two
devices meet on a channel made for this check; nobody else is disturbed. The
exit status is 0 only if every step passed.

  --json  Print one JSON object instead of text.
  --help  Print this text.
"""


class CheckOptions(usage.Options):
    """The URL and the flags of the command."""

    optFlags = (("json", None, "Print one JSON object instead of text."),)
    url = ""

    def parseArgs(self, *args: str) -> None:
        if len(args) != 1:
            raise usage.UsageError("check takes one URL, such as wss://relay.example.org")
        self.url = args[0]

    def postOptions(self) -> None:
        try:
            RelayUrl.read(self.url)
        except ValueError as error:
            raise usage.UsageError(f"check: '{self.url}': {error}") from None

    def opt_version(self) -> None:
        print(f"vault-relay {__version__}")
        raise SystemExit(0)

    def __str__(self) -> str:
        return _USAGE


def main(arguments: list[str]) -> int:
    """Check, and report as it goes; 0 if all passed, 1 if not, 2 for a bad command line."""
    options = CheckOptions()
    try:
        # getopt takes no flags after the URL; people put them there.
        options.parseOptions(sorted(arguments, key=lambda argument: not argument.startswith("-")))
    except usage.UsageError as error:
        stop_with(f"{printable(str(error))}; see vault-relay check --help")
    as_json = bool(options["json"])
    if not as_json:
        print(f"Checking {_without_token(options.url)}\n")
    checkup = Checkup(real_reactor(), options.url, _ignore if as_json else _print_step)

    def finish(_: object) -> int:
        summary = {
            "url": _without_token(options.url),
            "passed": checkup.passed,
            "steps": checkup.results,
        }
        if as_json:
            print(json.dumps(summary, indent=2))
        else:
            print("\nAll passed." if checkup.passed else "\nNot passed.")
        return 0

    def work(reactor: object) -> Deferred[int]:
        return ensureDeferred(checkup.run()).addCallback(finish)

    try:
        react(work, _reactor=real_reactor())
    except SystemExit:
        # react() always leaves this way; what counts is what was found.
        sys.stdout.flush()
    return 0 if checkup.passed and checkup.results else 1


def _print_step(result: dict[str, Any]) -> None:
    verdict = "ok  " if result["passed"] else "FAIL"
    print(
        f"  {verdict}  {result['step']:<11}{result['detail']} ({1000 * result['seconds']:.0f} ms)"
    )
    sys.stdout.flush()


def _ignore(result: dict[str, Any]) -> None:
    pass


def _without_token(url: str) -> str:
    """The URL as it may be shown: a token in it stays out."""
    head, separator, rest = url.partition("://")
    return printable(head + separator + rest.rpartition("@")[2])
