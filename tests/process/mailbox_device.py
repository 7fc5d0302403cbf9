"""A device with a mailbox, with the `websockets` library."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.process.devices import HEADERS, hello
from vaultrelay.wire import base64url
from vaultrelay.wire.mailbox import (
    NO_CURSOR,
    NO_KEY,
    Item,
    MailboxKind,
    Stored,
    pack_put,
    read_item,
    read_stored,
)

_WAIT_SECONDS = 20


class MailDevice:
    """A joined device. `items` are those it has got, `stored` the answers to its PUTs."""

    def __init__(self, socket: ClientConnection, welcome: dict[str, Any]) -> None:
        self._socket = socket
        self._ids = count(1)
        self.session = welcome["session"]
        self.limits = welcome.get("mailbox")
        self.items: list[Item] = []
        self.stored: list[Stored] = []
        self.nacks: list[bytes] = []
        self.controls: list[dict[str, Any]] = []
        self.cursor: bytes | None = None

    def put(self, number: int, payload: bytes, key: bytes = NO_KEY) -> None:
        """Send a PUT."""
        item_id = number.to_bytes(16, "big")
        self._socket.send(pack_put(self.session, next(self._ids), item_id, payload, key=key))

    def erase(self, cursor: bytes | None = None) -> None:
        """Send an erase."""
        told = {} if cursor is None else {"cursor": base64url.encode(cursor)}
        self._socket.send(json.dumps({"type": "erase", **told}))

    def receive(self) -> None:
        """Take one message."""
        message = self._socket.recv(timeout=_WAIT_SECONDS)
        if isinstance(message, str):
            control = json.loads(message)
            self.controls.append(control)
            if control.get("state") == "live" and control["cursor"] is not None:
                self.cursor = base64url.decode(control["cursor"], 16)
        elif message[0] == MailboxKind.ITEM:
            item = read_item(message)
            self.items.append(item)
            self.cursor = item.cursor
        elif message[0] == MailboxKind.STORED:
            stored = read_stored(message, self.session)
            self.stored.append(stored)
            if stored.cursor != NO_CURSOR:
                self.cursor = stored.cursor
        else:
            self.nacks.append(message)

    def until(self, state: str) -> dict[str, Any]:
        """Take messages up to a control message of the mailbox in this state; return it."""
        while not (self.controls and self.controls[-1].get("state") == state):
            self.receive()
        return self.controls.pop()

    def until_stored(self, number: int) -> None:
        """Take messages until so many PUTs are answered."""
        while len(self.stored) + len(self.nacks) < number:
            self.receive()


@contextmanager
def mail_device(
    port: int, device: bytes, cursor: bytes | None = None, **more: Any
) -> Iterator[MailDevice]:
    """A device that has joined, and asks for the items after a cursor."""
    headers = HEADERS | more.pop("headers", {})
    with connect(f"ws://localhost:{port}", additional_headers=headers, compression=None) as socket:
        said = hello(json.loads(socket.recv()), bytes(32), device)
        asked = {} if cursor is None else {"cursor": base64url.encode(cursor)}
        socket.send(json.dumps(said | {"mailbox": asked}))
        yield MailDevice(socket, json.loads(socket.recv()))
