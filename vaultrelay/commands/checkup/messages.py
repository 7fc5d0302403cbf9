"""Messages between the two devices of a checkup, and the rates at which the relay reads them."""

from typing import Any

from vaultrelay.client import Device, Draining, Left, Message, Nack
from vaultrelay.commands.checkup.result import CheckFailed
from vaultrelay.policy.printable import printable
from vaultrelay.policy.token_bucket import TokenBucket
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.data import HEADER_BYTES

STOPPING = (
    "The relay is stopping, most likely to restart, and asks its devices to reconnect later. Check "
    "again when it is running."
)
_LOST = (
    "The other device lost its connection ({reason}). Does a proxy in between limit the duration "
    "of a connection, or the connections of one address?"
)
_RETURNED = "The relay did not deliver a message; the reason in its NACK is {reason}."


class Allowance:
    """The unused part of one device's announced rates: the relay does not read a device in debt."""

    def __init__(self, limits: Limits, clock: Any) -> None:
        self._clock = clock
        now = clock.seconds()
        self._messages = TokenBucket(limits.messages_per_second or 0, now)
        self._bytes = TokenBucket(limits.bytes_per_second or 0, now)

    def spend(self, size: int) -> None:
        """Count a message of `size` bytes, header included."""
        self._messages.spend(1)
        self._bytes.spend(size)

    @property
    def debt_seconds(self) -> float:
        """Return for how long the relay will not read the device."""
        now = self._clock.seconds()
        return max(self._messages.debt_seconds(now), self._bytes.debt_seconds(now))


class Pair:
    """Two joined devices, and their allowances."""

    def __init__(self, devices: list[Device], clock: Any) -> None:
        self.devices = devices
        self.allowances = [Allowance(device.limits, clock) for device in devices]

    def send(self, sender: int, payload: bytes) -> None:
        """Send from one of them, 0 or 1, to the other."""
        self.allowances[sender].spend(HEADER_BYTES + len(payload))
        self.devices[sender].send(payload, to=self.devices[1 - sender].session)

    async def payload(self, receiver: int) -> bytes:
        """Return the payload of the next message. Raises CheckFailed if none can come any more."""
        while True:
            event = await self.devices[receiver].receive()
            if isinstance(event, Message):
                return event.payload
            if isinstance(event, Draining):
                raise CheckFailed(STOPPING)
            if isinstance(event, Left) and event.session == self.devices[1 - receiver].session:
                raise CheckFailed(_LOST.format(reason=printable(event.reason)))
            if isinstance(event, Nack):
                reason = getattr(event.reason, "name", str(event.reason)).lower()
                raise CheckFailed(_RETURNED.format(reason=reason))
            # A slow receiver gets busy and ready again, which is not a failure.

    @property
    def debt_seconds(self) -> float:
        """Return for how long the relay will not read one of them."""
        return max(allowance.debt_seconds for allowance in self.allowances)
