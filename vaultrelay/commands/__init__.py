"""The ``vault-relay`` command: runs the relay, or a command named first."""

import sys
from importlib import import_module
from typing import NoReturn

from vaultrelay.app.standard_streams import ResultLost, guard, print_error, print_result
from vaultrelay.app.version import version_line
from vaultrelay.native import NativeMissing

COMMANDS = {
    "check": "Test a relay step by step, as two devices.",
    "completions": "Print the completion script for a shell.",
    "config": "Check the options of the relay; print a sample file.",
    "conformance": "Test a client by a scripted relay, case by case.",
    "haproxy": "Print HAProxy's configuration for several relays.",
    "healthcheck": "Report whether the relay on this machine is healthy.",
    "invite": "Print the relay's URL for the app, with a QR code.",
    "mailbox": "Show, check, back up and erase the mailbox.",
    "status": "Report the state of several relays and their totals.",
    "token": "Create, list and revoke access tokens.",
}
"""The summary of each command, by its name and that of its module.

Only the module of the command that runs is imported.
"""

_WITHOUT_TWISTED = frozenset({"haproxy", "healthcheck", "mailbox", "status", "token"})
"""Commands that load less than lean imports do."""
_FAILED = 1
_INVALID = 2
_INTERRUPTED = 128 + 2
"""The exit status of a command ended by SIGINT, as shells report it."""


def main() -> None:
    """Run the command; the exit status is the command's."""
    guard()
    try:
        status = _run(sys.argv[1:])
    except ResultLost as error:
        print_error(f"vault-relay: {error}")
        status = _FAILED
    except NativeMissing as error:
        print_error(f"vault-relay: {error}")
        status = _INVALID
    except KeyboardInterrupt:
        # After Ctrl-C the user knows the reason for the end.
        status = _INTERRUPTED
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run the command that the arguments name; returns its exit status."""
    name = "run"
    if arguments in (["--version"], ["-V"]):
        # Without Twisted, which takes half a second.
        print_result(version_line())
        return 0
    if arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        if name not in COMMANDS:
            _refuse(name)
    else:
        from vaultrelay.app import signal_handlers

        # The other imports take half a second.
        signal_handlers.before_start()
    if name not in _WITHOUT_TWISTED:
        from vaultrelay.app import lean_imports

        lean_imports.install()
    return int(import_module(f"vaultrelay.commands.{name}").main(arguments))


def _refuse(name: str) -> NoReturn:
    from vaultrelay.app.exit_status import stop_with
    from vaultrelay.config.suggestions import did_you_mean

    hint = did_you_mean(name, COMMANDS) or f"; there are {', '.join(COMMANDS)}."
    stop_with(f"there is no command '{name}'{hint} See vault-relay --help")
