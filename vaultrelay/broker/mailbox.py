"""Mailbox: a store for what is sent to the devices of a channel that sleep. There is none yet."""

from typing import Protocol

from vaultrelay.broker.outbox import Outbox


class Mailbox(Protocol):
    """The store of one relay, as the broker will use it.

    No method blocks: what takes a disk is answered later, through an outbox. Each method names the
    place from which it is to be called; none of these is on the path of a DATA message.
    """

    def put(self, channel: bytes, sender: Outbox, message: bytes) -> bool:
        """Store a PUT, and answer it with STORED; return False for any other message.

        From `Session.data_received`, where `check_data` raises BadHeader for all but DATA.
        """

    def open(self, channel: bytes, receiver: Outbox, cursor: bytes) -> None:
        """Send as ITEMs what is stored after `cursor`, and then what is put from now on.

        From `Broker.join`, after the welcome.
        """

    def close(self, channel: bytes, receiver: Outbox) -> None:
        """Send nothing more to a device whose session has ended. From `Broker.forget`."""

    def channel_empty(self, channel: bytes) -> None:
        """The last device of a channel has left. From `Broker._end_if_empty`."""
