"""Mailbox: a store of messages for sleeping devices of a channel. There is none yet."""

from typing import Protocol

from vaultrelay.broker.outbox import Outbox


class Mailbox(Protocol):
    """The store of one relay, as the broker will use it.

    No method blocks: results that need a disk come later, through an outbox. Each method names its
    caller; none of these is on the path of a DATA message.
    """

    def put(self, channel: bytes, sender: Outbox, message: bytes) -> bool:
        """Store a PUT, and answer it with STORED; return False for any other message.

        From `Session.data_received`, where `check_data` raises BadHeader for all but DATA.
        """

    def open(self, channel: bytes, receiver: Outbox, cursor: bytes) -> None:
        """Send the messages stored after `cursor` as ITEMs, and then new ones as they arrive.

        From `Broker.join`, after the welcome.
        """

    def close(self, channel: bytes, receiver: Outbox) -> None:
        """Send nothing more to a device after the end of its session. From `Broker.forget`."""

    def channel_empty(self, channel: bytes) -> None:
        """The last device of a channel has left. From `Broker._end_if_empty`."""
