"""The exit of a command after an error that the operator has to correct."""

from typing import NoReturn

from vaultrelay.app.standard_streams import print_error

USAGE_ERROR = 2
"""The exit status after such an error."""


class CannotStart(Exception):
    """A part of the relay cannot start; the text says why, and what to do."""


def stop_with(error: object) -> NoReturn:
    """Print one line on standard error, and exit with USAGE_ERROR."""
    print_error(f"vault-relay: {error}")
    raise SystemExit(USAGE_ERROR)
