"""Messages between the two devices of a checkup, and the rates at which the relay reads them."""

from typing import Any

from vaultrelay.client import Device, Draining, Left, Message, Nack
from vaultrelay.commands.checkup.result import CheckFailed
from vaultrelay.logs import printable
from vaultrelay.policy.token_bucket import TokenBucket
from vaultrelay.wire.announced import Limits
from vaultrelay.wire.data import HEADER_BYTES

STOPPING = (
    "The relay is about to stop, most likely to restart, and tells its devices to come back. Check "
    "again when it is back."
)
_LOST = (
    "The other device lost its connection ({reason}). Does something on the way, such as a proxy, "
    "limit how long a connection lasts or how many one address has?"
)
_RETURNED = "A message came back undelivered: the relay calls its receiver {reason}."


class Allowance:
    """The rest of one device's announced rates: a device in debt must wait until the relay reads
    it."""

    def __init__(self, limits: Limits, clock: Any) -> None:
        self._clock = clock
        now = clock.seconds()
        self._buckets = (
            (TokenBucket(limits.messages_per_second or 0, now), False),
            (TokenBucket(limits.bytes_per_second or 0, now), True),
        )

    def spend(self, size: int) -> None:
        """Count a message of `size` bytes, header included."""
        for bucket, is_bytes in self._buckets:
            bucket.spend(size if is_bytes else 1)

    @property
    def rest_seconds(self) -> float:
        """Return for how long the relay will not read the device."""
        now = self._clock.seconds()
        return max(bucket.debt_seconds(now) for bucket, _ in self._buckets)


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
    def rest_seconds(self) -> float:
        """Return for how long the relay will not read one of them."""
        return max(allowance.rest_seconds for allowance in self.allowances)
