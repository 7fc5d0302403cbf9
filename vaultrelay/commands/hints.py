"""Hints: lines for people beside the result of a command."""

import sys

from vaultrelay.policy.printable import printable


def print_hint(text: str) -> None:
    """Print a line for people; to standard error if the output goes to a program or a file."""
    print(printable(text), file=sys.stdout if sys.stdout.isatty() else sys.stderr)
