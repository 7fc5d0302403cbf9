"""Hints: lines for people beside the result of a command."""

import sys


def print_hint(text: str = "") -> None:
    """Print a line for people: where the output goes on to a program or a file, beside it."""
    print(text, file=sys.stdout if sys.stdout.isatty() else sys.stderr)
