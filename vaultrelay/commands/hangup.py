"""SIGHUP where nothing can be reloaded: it would end the process, for systemd a good end."""

import signal


def ignore_hangup() -> None:
    """Let SIGHUP do nothing, from now until somebody handles it."""
    if hasattr(signal, "SIGHUP"):  # Windows has none
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
