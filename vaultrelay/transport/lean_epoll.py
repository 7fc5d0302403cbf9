"""LeanEpollReactor: Twisted's epoll reactor without what it does around each event.

Twisted notes for its log whose turn it is, and asks for the descriptor again: 3 us of CPU a read.
"""

from errno import EINTR
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor

from vaultrelay.logs import log


class LeanEpollReactor(EPollReactor):
    """Calls `doRead` at once where there is nothing but something to read."""

    def doPoll(self, timeout: float | None) -> None:
        try:
            events = self._poller.poll(-1 if timeout is None else timeout, len(self._selectables))
        except OSError as error:
            if error.errno == EINTR:
                return
            raise
        for descriptor, event in events:
            selectable = self._selectables.get(descriptor)
            if selectable is None:
                # It was closed by one of those before it.
                continue
            if event != EPOLLIN:
                self._doReadOrWrite(selectable, descriptor, event)
                continue
            why: Any
            try:
                why = selectable.doRead()
            except Exception as error:
                log.failure("Reading from a connection failed")
                why = error
            if why:
                self._disconnectSelectable(selectable, why, True)

    doIteration = doPoll


def install() -> None:
    """Make it the process's reactor, before anybody imports one."""
    installReactor(LeanEpollReactor())
