"""MailboxControl: serves ``vault-relay mailbox`` on a private unix socket in the mailbox's folder.

The store has one opener, which is the relay while it runs: the command asks it. Only the relay's
user can enter the folder, and root.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.protocols.policies import ThrottlingFactory
from twisted.python.failure import Failure
from twisted.web.server import Request

from vaultrelay.app.mailbox_actions import ActionFailed, Fields, MailboxActions
from vaultrelay.logs import RelayLog
from vaultrelay.policy.limits.admin import CONTROL_CONNECTIONS
from vaultrelay.store.disk import CONTROL_SOCKET
from vaultrelay.web.page_resource import PageResource, QuietSite, write_json


class ControlPages(PageResource):
    """A path for each action: GET for those that only read, POST for all others."""

    def __init__(self, actions: MailboxActions) -> None:
        super().__init__()
        self._pages = {
            b"/usage": _page(b"GET", lambda _: actions.usage()),
            b"/check": _page(b"POST", lambda _: actions.check()),
            b"/backup": _page(b"POST", lambda request: actions.backup(_argument(request))),
            b"/erase": _page(b"POST", lambda request: actions.erase(_argument(request))),
            b"/trust-clock": _page(b"POST", lambda _: actions.trust_clock()),
        }


class MailboxControl(Service):
    """Listens in the folder while it runs. Without the socket the relay runs, and logs why."""

    _port: Any = None

    def __init__(
        self, folder: Path, actions: MailboxActions, reactor: Any, *, log: RelayLog
    ) -> None:
        self._path = folder / CONTROL_SOCKET
        self._reactor = reactor
        self._log = log
        self._factory = ThrottlingFactory(QuietSite(ControlPages(actions)), CONTROL_CONNECTIONS)
        self._factory.noisy = False

    def startService(self) -> None:
        """Listen. By now the store is open, and the folder ours: a socket in it is an old one."""
        super().startService()
        try:
            with suppress(FileNotFoundError):
                self._path.unlink()
            self._port = self._reactor.listenUNIX(
                str(self._path), self._factory, CONTROL_CONNECTIONS, mode=0o600
            )
        except (OSError, CannotListenError) as error:
            self._log.warn(
                "Cannot create the socket for vault-relay mailbox, {path}: {why}. The mailbox "
                "works without it.",
                path=str(self._path),
                why=str(getattr(error, "socketError", error)),
            )

    def stopService(self) -> object:
        super().stopService()
        port, self._port = self._port, None
        return None if port is None else port.stopListening()


def _page(method: bytes, act: Callable[[Request], Deferred[Fields]]) -> Callable[[Request], Any]:
    """Return a page that answers with the fields of an action, or with its fault."""

    def page(request: Request) -> Any:
        if request.method != method:
            request.setResponseCode(405)
            request.setHeader("Allow", method)
            return write_json(request, fault=f"this takes {method.decode()}")
        return maybeDeferred(act, request).addCallbacks(
            lambda fields: write_json(request, **fields),
            lambda failure: _failed(failure, request),
        )

    return page


def _failed(failure: Failure, request: Request) -> bytes:
    failure.trap(ActionFailed)
    request.setResponseCode(409)
    return write_json(request, fault=str(failure.value))


def _argument(request: Request) -> str:
    """Return the value of the query "for"."""
    value: bytes = (request.args or {}).get(b"for", [b""])[0]
    return os.fsdecode(value)
