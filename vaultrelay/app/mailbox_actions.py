"""MailboxActions: what the operator can do with the mailbox of a running relay."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from vaultrelay.mailbox.streams import MailboxStreams
from vaultrelay.policy.mailbox_health import MailboxHealth
from vaultrelay.store.clerk import Clerk
from vaultrelay.store.store import Refused, Usage

Fields = Mapping[str, object]


class ActionFailed(Exception):
    """An action that is not done; the text says why, and what to do."""


class Mailbox(Protocol):
    """The mailbox, and what is known of it."""

    clerk: Clerk
    streams: MailboxStreams

    @property
    def health(self) -> MailboxHealth:
        """What the operator should know."""

    @property
    def limit_bytes(self) -> int:
        """The limit of all stored messages."""


class MailboxActions:
    """Each action returns a Deferred of its result, as fields of JSON, or raises ActionFailed.

    `channels` returns the keys of the channels with connected devices, `name_of` the name of one
    in the log, None if the log has no names.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        channels: Callable[[], Iterable[bytes]],
        name_of: Callable[[bytes], str | None],
    ) -> None:
        self._mailbox = mailbox
        self._channels = channels
        self._name_of = name_of

    def usage(self) -> Deferred[Fields]:
        """Return figures of the store, and its state."""
        usage = self._job(self._mailbox.clerk.read_usage)
        return usage.addCallback(self._usage)

    def check(self) -> Deferred[Fields]:
        """Read the whole store."""
        return self._job(self._mailbox.clerk.check).addCallback(lambda _: {})

    def backup(self, path: str) -> Deferred[Fields]:
        """Copy the store into a new file."""
        file = Path(path)
        if not file.is_absolute():
            raise ActionFailed(f"'{path}' is not an absolute path")
        done = self._job(lambda done: self._mailbox.clerk.backup(file, done))
        return done.addCallback(_backup_ended, file)

    def erase(self, name: str) -> Deferred[Fields]:
        """Erase the channel with this name in the log of today."""
        found = [each for each in self._channels() if self._name_of(each) == name]
        if len(found) != 1:
            raise ActionFailed(self._no_channel(name))
        done = self._job(lambda done: self._mailbox.streams.erase(found[0], done))
        return done.addCallback(lambda upto: {"was_empty": upto is None})

    def trust_clock(self) -> Deferred[Fields]:
        """Believe the wall clock."""
        return self._job(self._mailbox.clerk.trust_clock).addCallback(lambda _: {})

    def _job(self, start: Callable[[Callable[[Any], None]], bool]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        if not start(done.callback):
            raise ActionFailed("the mailbox is busy; try again")
        return done.addCallback(self._unless_refused)

    def _unless_refused(self, result: Any) -> Any:
        if isinstance(result, Refused):
            health = self._mailbox.health
            fault = f": {health.fault}" if health.fault else ""
            raise ActionFailed(f"the mailbox is {health.state}{fault}")
        return result

    def _usage(self, usage: Usage) -> Fields:
        health = self._mailbox.health
        return {
            "state": health.state,
            "fault": health.fault,
            **usage._asdict(),
            "limit_bytes": self._mailbox.limit_bytes,
        }

    def _no_channel(self, name: str) -> str:
        if self._name_of(b"") is None:
            return "with --log-addresses none the log has no pseudonyms, so no channel has one"
        return (
            f"no channel with connected devices has the pseudonym '{name}' today. Pseudonyms end "
            "with the day (UTC), and the mailbox itself knows none: without its devices a channel "
            "cannot be found, and is deleted when its messages expire"
        )


def _backup_ended(error: OSError | None, file: Path) -> Fields:
    if error is not None:
        raise ActionFailed(f"cannot write {file}: {(error.strerror or str(error)).lower()}")
    return {"file": str(file)}
