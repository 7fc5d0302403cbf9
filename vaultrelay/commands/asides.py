"""Asides: what a command says to people, beside what it is asked for."""

import sys


def aside(text: str = "") -> None:
    """Print a line for people: where the output goes on to a program or a file, beside it."""
    print(text, file=sys.stdout if sys.stdout.isatty() else sys.stderr)
