"""The version of the relay, with the code that it runs."""

from vaultrelay import __version__
from vaultrelay.native import code


def version_line() -> str:
    """Return the answer to --version. Raises NativeMissing if RELAY_NATIVE cannot be satisfied."""
    return f"vault-relay {__version__} ({code()})"
