"""The mailbox of a command: through the socket of a running relay, or opened by the command."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from vaultrelay.cluster.http_get import connect_unix, explain_failure, http_get
from vaultrelay.policy.limits.admin import CONTROL_SECONDS
from vaultrelay.wire.answer import NotHttp

if TYPE_CHECKING:
    from vaultrelay.store.store import Store

_SOCKET, _FILE, _KEY = "control", "mailbox.db", "key"
_OK = 200
_NO_RELAY = "the answer is not that of a relay"
_FIGURES = ("items", "channels", "bytes", "file_bytes", "damaged")
_Result = TypeVar("_Result")


class NoMailbox(Exception):
    """There is no mailbox where the arguments say."""


class Failed(Exception):
    """What was to be done failed; the text says why."""


class Mailbox:
    """The mailbox in a folder. Each method raises NoMailbox and Failed."""

    def __init__(self, folder: Path, key: Path | None) -> None:
        self._folder = folder
        self._key = key or folder / _KEY

    def usage(self) -> dict[str, Any]:
        """Return its state and figures; the state is "closed" if no relay runs."""
        if (answer := self._ask("GET", "usage")) is not None:
            if all(isinstance(answer.get(name), int) for name in _FIGURES):
                return answer
            raise Failed(f"{self._folder / _SOCKET}: {_NO_RELAY}")
        return self._with_store(lambda store: {"state": "closed", **store.usage()._asdict()})

    def act(self, action: str, argument: str = "") -> dict[str, Any]:
        """Do something else; return the fields of the result."""
        query = f"?for={quote(os.fsencode(argument), safe='')}" if argument else ""
        if (answer := self._ask("POST", action + query)) is not None:
            return answer
        if action == "erase":
            raise Failed(
                f"no relay runs on {self._folder}: only a running relay knows the pseudonyms of "
                "its log"
            )
        self._with_store(_OFFLINE[action](argument))
        return {}

    def _ask(self, method: str, target: str) -> dict[str, Any] | None:
        """Return the answer of the running relay; None if there is none."""
        path = self._folder / _SOCKET
        try:
            peer = connect_unix(str(path), CONTROL_SECONDS)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        except PermissionError:
            raise Failed(f"{path} belongs to another user: {self._as_user()}") from None
        except OSError as error:
            raise Failed(f"{path}: {explain_failure(error)}") from None
        try:
            answer = http_get(peer, "localhost", f"/{target}", CONTROL_SECONDS, method)
            fields = json.loads(answer.body)
        except (OSError, NotHttp) as error:
            raise Failed(f"{path}: {explain_failure(error)}") from None
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise Failed(f"{path}: {_NO_RELAY}")
        if answer.status != _OK:
            raise Failed(str(fields.get("fault") or f"the relay answers {answer.status}"))
        return fields

    def _with_store(self, work: Callable[["Store"], _Result]) -> _Result:
        """Open the store for some work, as no relay has it open."""
        try:
            if not (self._folder / _FILE).exists():
                raise NoMailbox(f"there is no mailbox in {self._folder}")
            is_ours = self._folder.stat().st_uid == os.geteuid()
        except PermissionError:
            is_ours = False
        if not is_ours:
            raise Failed(f"{self._folder} belongs to another user: {self._as_user()}")
        with self._opened() as store:
            return work(store)

    @contextmanager
    def _opened(self) -> Iterator["Store"]:
        # SQLite is not needed to ask a relay.
        from vaultrelay.store.sqlite.opening import open_sqlite_store
        from vaultrelay.store.store import (
            StoreDamaged,
            StoreFull,
            StoreLimits,
            StoreRefused,
            StoreUnavailable,
        )

        try:
            store = open_sqlite_store(self._folder, self._key, StoreLimits(), free_bytes=0)
            try:
                yield store
            finally:
                store.close()
        except StoreDamaged as error:
            raise Failed(
                f"the mailbox is damaged: {error}. Restore a backup, or move {self._folder} away"
            ) from None
        except (StoreRefused, StoreFull, StoreUnavailable) as error:
            raise Failed(str(error)) from None

    def _as_user(self) -> str:
        try:
            import pwd

            name = pwd.getpwuid(self._folder.stat().st_uid).pw_name
        except (ImportError, KeyError, OSError):
            return "run the command as that user"
        return f"run the command as {name}"


def _check(_: str) -> Callable[["Store"], None]:
    return lambda store: store.check()


def _backup(path: str) -> Callable[["Store"], None]:
    def backup(store: "Store") -> None:
        try:
            store.backup(Path(path), lambda: None)
        except OSError as error:
            raise Failed(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from None

    return backup


def _trust_clock(_: str) -> Callable[["Store"], None]:
    # With which the relay begins.
    return lambda store: store.save_time(int(time.time()))


_OFFLINE = {"check": _check, "backup": _backup, "trust-clock": _trust_clock}
