"""Daemon threads, for work that may never end: the process ends without them."""

from collections.abc import Callable
from threading import Thread


def start_thread(work: Callable[[], None]) -> None:
    """Do `work` in a thread. One of Twisted's pool would delay the exit of the process."""
    Thread(target=work, daemon=True).start()
