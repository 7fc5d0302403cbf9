"""The ``vault-relay`` command: runs the relay, or a command named first."""

import os
import sys
from importlib import import_module

from vaultrelay import __version__

COMMANDS = {
    "check": "Try a relay step by step, as two devices.",
    "haproxy": "Print HAProxy's configuration for several relays.",
    "healthcheck": "Say whether the relay of this machine is well.",
    "invite": "Print the relay's URL for the app, with a QR code.",
    "status": "Say how several relays are, and their sum.",
    "token": "Make, list and revoke access tokens.",
}
"""What each command does, by the name of it and of its module here.

A module is imported when it is asked for, so that none pays for another's imports.
"""

_INTERRUPTED = 128 + 2
"""The exit status that shells give to what SIGINT ended."""


def main() -> None:
    """The entry point: the exit status is the command's."""
    name, arguments = "run", sys.argv[1:]
    if arguments == ["--version"]:
        # Without Twisted, which takes half a second.
        print(f"vault-relay {__version__}")
        return
    if arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        if name not in COMMANDS:
            _stop_at(name)
    else:
        from vaultrelay import signals

        # All else takes half a second to import.
        signals.before_start()
        from vaultrelay import lean_imports

        lean_imports.install()
    try:
        try:
            status = import_module(f"vaultrelay.commands.{name}").main(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output, such as head, has enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except KeyboardInterrupt:
        # Whoever pressed Ctrl-C knows why it ends.
        status = _INTERRUPTED
    sys.exit(status)


def _stop_at(name: str) -> None:
    from difflib import get_close_matches

    from vaultrelay.logs import printable
    from vaultrelay.process import stop_with

    close = get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}."
    stop_with(f"there is no command '{printable(name)}'; {hint} See vault-relay --help")
