"""The ``vault-relay`` command: runs the relay, or a command named first."""

import sys
from importlib import import_module

from vaultrelay import __version__, lean_imports

COMMANDS = {"check": "vaultrelay.commands.check"}
"""Each in a module of its own, so that none pays for another's imports."""
RUN = "vaultrelay.commands.run"


def main() -> None:
    """The entry point: the exit status is the command's."""
    name, arguments = RUN, sys.argv[1:]
    if arguments == ["--version"]:
        # Without Twisted, which takes half a second.
        print(f"vault-relay {__version__}")
        return
    if arguments and arguments[0] in COMMANDS:
        name, arguments = COMMANDS[arguments[0]], arguments[1:]
    if name == RUN:
        lean_imports.install()
    sys.exit(import_module(name).main(arguments))
