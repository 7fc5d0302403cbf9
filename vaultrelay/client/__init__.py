"""The reference client: joins a channel, sends, receives.

::

    device = await connect(reactor, "wss://relay.example.org", channel_seed, device_tag)
    device.send(b"ciphertext", to=EVERYONE)
    event = await device.receive()      # Message, Nack, Busy, Ready, Joined, Left, Draining
                                        # or Keepalive
    await device.close()
"""

from vaultrelay.client.device import Device, connect
from vaultrelay.client.events import Closed, Message, Nack
from vaultrelay.client.reconnecting_device import Connection, Ended, Opened
from vaultrelay.client.refused import Refused
from vaultrelay.wire.control.in_session import Busy, Draining, Joined, Keepalive, Left, Ready
from vaultrelay.wire.data import EVERYONE

__all__ = [
    "EVERYONE",
    "Busy",
    "Closed",
    "Connection",
    "Device",
    "Draining",
    "Ended",
    "Joined",
    "Keepalive",
    "Left",
    "Message",
    "Nack",
    "Opened",
    "Ready",
    "Refused",
    "connect",
]
