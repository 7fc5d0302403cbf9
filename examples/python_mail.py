"""The mailboxes of the clients of python_adapter.py."""

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from examples.python_events import Fields, content
from vaultrelay.client import (
    Erased,
    Item,
    Mailbox,
    MailboxState,
    PutRefused,
    Stored,
    collapse_key,
    new_item_id,
)
from vaultrelay.client.mail_file import MailFile
from vaultrelay.client.mail_store import MailStore
from vaultrelay.wire.mailbox import NO_KEY


@cache
def folder() -> TemporaryDirectory[str]:
    """Return the folder of the files. It is removed at the exit."""
    return TemporaryDirectory(prefix="conformance-")


def new_file(name: str) -> MailStore:
    """Return the store of a device in a channel, as it was when it was closed."""
    return MailFile(Path(folder().name) / sha256(name.encode()).hexdigest())


@dataclass
class Box:
    """The mailbox of one client; `items` are those that the application has not taken yet."""

    mailbox: Mailbox
    store: MailStore
    device: bytes
    items: dict[str, Item] = field(default_factory=dict)


class Mail:
    """The commands for mailboxes, and the mailboxes that they drive."""

    def __init__(self, new_store: Callable[[str], MailStore]) -> None:
        self._new_store = new_store
        self._boxes: dict[str, Box] = {}

    def open(self, client: str, seed: str, device: str) -> Mailbox:
        """Return the mailbox of a client: it belongs to a device in a channel."""
        store = self._new_store(f"{client} {seed}")
        self._boxes[client] = Box(Mailbox(store), store, bytes.fromhex(device))
        return self._boxes[client].mailbox

    def close(self, client: str) -> None:
        """Release the store of a client."""
        box = self._boxes.pop(client, None)
        if box is not None and isinstance(box.store, MailFile):
            box.store.close()

    def describe(self, client: str, event: object) -> Fields | None:
        """Return an event of a mailbox as the kit has it; None for another one."""
        match event:
            case MailboxState(state, gap):
                gaps = {"gap": gap} if state == "open" else {}
                must = self._boxes[client].mailbox.must_synchronize
                return {"event": "mailbox", "state": state, "synchronize": must, **gaps}
            case Item(item_id, _, payload):
                self._boxes[client].items[item_id.hex()] = event
                return {"event": "item", "item_id": item_id.hex(), **content(payload)}
            case Stored(item_id=item_id):
                return {"event": "stored", "item_id": item_id.hex()}
            case PutRefused(item_id=item_id, reason=reason):
                return {"event": "refused", "item_id": item_id.hex(), "reason": int(reason)}
            case Erased(cursor):
                return {"event": "erased", "cursor": None if cursor is None else cursor.hex()}
        return None

    def do_put(
        self,
        client: str,
        payload: str = "",
        bytes: int = 0,
        ttl: int = 0,
        tag_key: str = "",
        what: str | None = None,
    ) -> Fields:
        """Store an item; with `what` in place of an older one."""
        box, read = self._boxes[client], builtins.bytes.fromhex
        key = NO_KEY if what is None else collapse_key(read(tag_key), box.device, read(what))
        item_id, data = new_item_id(), builtins.bytes(bytes) or read(payload)
        # An event reports a refusal, too.
        box.mailbox.put(data, key=key, ttl=ttl, item_id=item_id).addErrback(lambda _: None)
        return {"item_id": item_id.hex()}

    def do_take(self, client: str, item_id: str) -> None:
        """The application has stored an item."""
        box = self._boxes[client]
        box.mailbox.take(box.items.pop(item_id))

    def do_erase(self, client: str, cursor: str | None = None) -> None:
        """Delete items at the relay."""
        place = None if cursor is None else bytes.fromhex(cursor)
        self._boxes[client].mailbox.erase(place)

    def do_synchronized(self, client: str) -> None:
        """The application has synchronized with a peer."""
        self._boxes[client].mailbox.synchronized()
