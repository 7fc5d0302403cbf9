"""The steps that pass messages: echoes, one as large as the relay takes, and a second of many."""

import secrets
from statistics import median
from typing import Any

from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.defer import ensureDeferred

from vaultrelay.commands.checkup.devices import Devices
from vaultrelay.commands.checkup.messages import Pair
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.web.units import size
from vaultrelay.wire.data import HEADER_BYTES

ECHOES = 20
ECHO_BYTES = 64
LARGEST_BYTES = 16 * 1024 * 1024
"""The largest message to try: sent, masked and received it is held four times."""
LARGEST_SECONDS = 60
"""For it: a message of 1 MiB passes a line of 300 kbit/s twice."""
STILL_SECONDS = 10
"""Without a byte of it: a slow line delivers pieces smaller than that."""
FLOOD_SECONDS = 1.0
FLOOD_BYTES = 16 * 1024
FIRST_WINDOW = 2 * FLOOD_BYTES
"""Bytes in flight at first; it grows by the bytes that arrive, as fast as a slow line empties
it."""
LARGEST_WINDOW = 4 * 1024 * 1024
"""Fills a line of 150 Mbit/s with 200 ms to the relay and back."""
ARRIVE_SECONDS = 15
"""For the last of them: less than a step has."""


class Traffic:
    """The steps that pass messages between the devices of a checkup."""

    def __init__(self, reactor: Any, devices: Devices) -> None:
        self._reactor = reactor
        self._devices = devices

    async def echo(self) -> StepResult:
        pair = await self._devices.pair()
        times: list[float] = []
        # The relay reads a device over its rate later, and that pause would be measured, too.
        while len(times) < ECHOES and not (times and pair.debt_seconds):
            payload = secrets.token_bytes(ECHO_BYTES)
            started = self._reactor.seconds()
            pair.send(0, payload)
            pair.send(1, await pair.payload(1))
            if await pair.payload(0) != payload:
                raise CheckFailed("A message was changed in transit.")
            times.append(1000 * (self._reactor.seconds() - started))
        low, middle, high = min(times), median(times), max(times)
        return StepResult(
            f"{len(times)} round trip{'' if len(times) == 1 else 's'} between the devices: "
            f"median {middle:.1f} ms, {low:.1f} to {high:.1f} ms",
            {"milliseconds": {"min": low, "median": middle, "max": high}},
        )

    async def largest(self) -> StepResult:
        pair = await self._devices.pair()
        limit = pair.devices[0].limits.message_bytes
        tried = min(limit, LARGEST_BYTES)
        payload = secrets.token_bytes(tried - HEADER_BYTES)
        pair.send(0, payload)
        try:
            arrived = await ensureDeferred(pair.payload(1)).addTimeout(
                LARGEST_SECONDS, self._reactor
            )
        except TooLate:
            return await self._slow(pair, tried)
        if arrived != payload:
            raise CheckFailed("The largest message was changed in transit.")
        more = (
            f"; the relay accepts up to {limit}, which this check does not try"
            if tried < limit
            else ""
        )
        return StepResult(f"a message of {tried} bytes arrived unchanged{more}", {"bytes": tried})

    async def _slow(self, pair: Pair, tried: int) -> StepResult:
        """Return the result for a largest message that has not arrived."""
        sender, receiver = pair.devices
        if (
            not sender.is_sending
            and self._reactor.seconds() - receiver.last_received_at > STILL_SECONDS
        ):
            raise CheckFailed(
                f"A message of {tried} bytes did not arrive within {LARGEST_SECONDS} s, though "
                "small ones did: does a proxy in between hold large messages back?"
            )
        # Messages in flight would delay the next step.
        await self._devices.leave()
        return StepResult(
            f"a message of {tried} bytes was not complete after {LARGEST_SECONDS} s",
            {"bytes": None},
            (
                OperatorWarning(
                    "slow_line",
                    f"The line is slow: {tried} bytes take more than {LARGEST_SECONDS} s. Devices "
                    "on such a line sync large entries slowly.",
                ),
            ),
        )

    async def throughput(self) -> StepResult:
        pair = await self._devices.pair()
        flood = Flood(self._reactor, pair)
        try:
            await ensureDeferred(flood.run()).addTimeout(ARRIVE_SECONDS, self._reactor)
        except TooLate:
            if not flood.received:
                raise CheckFailed(
                    f"No message of {flood.size} bytes arrived within {ARRIVE_SECONDS} s."
                ) from None
        limits = pair.devices[0].limits
        allowed = limits.bytes_per_second
        limit = f"; the relay allows {size(allowed)}/s on average" if allowed else ""
        return StepResult(
            f"{size(flood.rate)}/s{limit}",
            {"megabytes_per_second": round(flood.rate / 1e6, 4)},
        )


class Flood:
    """As many messages as arrive, for FLOOD_SECONDS or until the relay pauses their sender."""

    def __init__(self, reactor: Any, pair: Pair) -> None:
        self._reactor = reactor
        self._pair = pair
        # The largest message may have used up what the other device may send.
        self._sender = min((0, 1), key=lambda each: pair.allowances[each].debt_seconds)
        maximum = pair.devices[self._sender].limits.message_bytes - HEADER_BYTES
        self.size = min(FLOOD_BYTES, maximum)
        self.received = 0
        self._sent = 0
        self._seconds = 0.0

    @property
    def rate(self) -> float:
        """Return the bytes that arrived in a second."""
        return self.received / max(self._seconds, 1e-6)

    async def run(self) -> None:
        """Send and receive in turn, so that no more is in flight than the line takes."""
        payload = secrets.token_bytes(self.size)
        began = self._reactor.seconds()
        self._send(payload)
        while self.received < self._sent:
            while self._may_send(began):
                self._send(payload)
            self.received += len(await self._pair.payload(1 - self._sender))
            self._seconds = self._reactor.seconds() - began

    def _may_send(self, began: float) -> bool:
        window = min(LARGEST_WINDOW, FIRST_WINDOW + self.received)
        return (
            self._sent - self.received < window
            and self._reactor.seconds() - began < FLOOD_SECONDS
            and not self._pair.allowances[self._sender].debt_seconds
        )

    def _send(self, payload: bytes) -> None:
        self._pair.send(self._sender, payload)
        self._sent += self.size
