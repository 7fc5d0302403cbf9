"""The reference client: joins a channel, sends, receives.

::

    device = await connect(reactor, "wss://relay.example.org", channel_seed, device_tag)
    device.send(b"ciphertext", to=EVERYONE)
    event = await device.receive()      # Message, Nack, Busy, Ready, Joined, Left, Draining
                                        # or Keepalive
    await device.close()

A Connection joins again by itself, by the rules of the protocol page::

    connection = Connection(reactor, url, channel_seed, device_tag)
    event = await connection.receive()  # also Opened and Ended
    connection.network_changed()        # what the system reports; and woke()
    connection.keep_alive(300)          # in the background of a phone

With a Mailbox, it also stores messages for devices that are not connected, if the relay permits::

    mailbox = Mailbox(MailFile(Path("phone.mail")))     # of vaultrelay.client.mail_file
    device = await connect(reactor, url, channel_seed, device_tag, mailbox=mailbox)
    await mailbox.put(b"ciphertext")
    event = await device.receive()      # also MailboxState, Item, Stored, PutRefused or Erased
    mailbox.take(event)                 # an Item that the application has on its disk
"""

from vaultrelay.client.device import Device, connect
from vaultrelay.client.events import Closed, Message, Nack, PutRefused
from vaultrelay.client.mail_store import MailStore, MemoryMailStore, StoreFailed, WaitingPut
from vaultrelay.client.mailbox import Mailbox, NoMailbox, collapse_key, new_item_id
from vaultrelay.client.outbox import OutboxFull
from vaultrelay.client.reconnecting_device import Connection, Ended, Opened
from vaultrelay.client.refused import Refused
from vaultrelay.client.tls_failed import TlsFailed, Untrusted
from vaultrelay.wire.announced import MailboxLimits
from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.control.mailbox import Erased, MailboxState
from vaultrelay.wire.data import EVERYONE
from vaultrelay.wire.mailbox import Item, PutReason, Stored

__all__ = [
    "EVERYONE",
    "Busy",
    "Closed",
    "Connection",
    "Device",
    "Draining",
    "Ended",
    "Erased",
    "Item",
    "Joined",
    "Keepalive",
    "Left",
    "MailStore",
    "Mailbox",
    "MailboxLimits",
    "MailboxState",
    "MemoryMailStore",
    "Message",
    "Nack",
    "NoMailbox",
    "Opened",
    "OutboxFull",
    "PutReason",
    "PutRefused",
    "Ready",
    "Refused",
    "StoreFailed",
    "Stored",
    "TlsFailed",
    "Untrusted",
    "WaitingPut",
    "collapse_key",
    "connect",
    "new_item_id",
]
