"""Stage: what one case works with: the adapter, its clients, and the scripted relay."""

from collections import deque
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from vaultrelay.conformance.adapter import Adapter, AdapterFault
from vaultrelay.conformance.failure import Failure, as_json
from vaultrelay.conformance.limits import (
    GRACE_SECONDS,
    MAX_CHANNELS,
    MAX_EVENTS,
    MAX_POLL_SECONDS,
    MIN_POLL_SECONDS,
    PAUSE_SECONDS,
)
from vaultrelay.conformance.mail import Mail
from vaultrelay.conformance.pulse import Pulse
from vaultrelay.conformance.relay import ScriptedRelay
from vaultrelay.conformance.relay_connection import RelayConnection
from vaultrelay.conformance.transcript import Transcript
from vaultrelay.wire import proof
from vaultrelay.wire.control.joining import Hello

_channel_of = lru_cache(MAX_CHANNELS)(proof.channel_of)
Found = TypeVar("Found")
Verbs: TypeAlias = dict[str, Callable[..., Awaitable[None]]]
"""The functions of steps, by the verb of a step. They take a stage, a client and the arguments."""


class Client:
    """One client of a case: what it reported and was not judged yet, and its connection."""

    def __init__(self, name: str, seed: bytes, device: bytes) -> None:
        self.name = name
        self.seed = seed
        self.device = device
        self.host = ""
        self.events: deque[dict[str, Any]] = deque()
        self.connection: RelayConnection | None = None
        self.challenge = b""
        self.nonce = b""
        self.session = 0
        self.sent_ids: list[int] = []
        self.delays: list[float] = []
        self.peers: list[dict[str, Any]] = []
        self.may_end = False
        """Whether the end of an earlier connection may be reported at any time."""
        self.hello: Hello | None = None
        self.mail = Mail()

    @property
    def channel(self) -> bytes:
        """The public key of its seed, which a step may replace."""
        return _channel_of(self.seed)

    @property
    def has_ended(self) -> bool:
        """Whether it reported the end of its connection, or ended it."""
        if self.connection is not None and self.connection.is_over:
            return True
        # After the step `dials` an "ended" may report the previous connection.
        return not self.may_end and any(each.get("event") == "ended" for each in self.events)

    def sent_id(self, name: int | str) -> int:
        """Return the id of its "first", "second" or "last" message, or the number itself."""
        if isinstance(name, int):
            return name
        return self.sent_ids[{"first": 0, "second": 1, "last": -1}[name]]

    def describe(self) -> str:
        """What came of it, for a report."""
        if self.connection is not None and self.connection.fault:
            return self.connection.fault
        if self.events:
            return f"the event {as_json(self.events[0])}"
        if self.connection is not None and self.connection.is_over:
            return "the end of the connection"
        return "nothing"


class Stage:
    """Plays the steps of one case. Real time is bounded by `patience` in each step."""

    def __init__(
        self, reactor: Any, adapter: Adapter, patience: float, case: str, transcript: Transcript
    ) -> None:
        self._reactor = reactor
        self._adapter = adapter
        self._patience = patience
        self._case = case
        self.pulse = Pulse(reactor)
        self.relay = ScriptedRelay(reactor, self.pulse, transcript)
        self.clients: dict[str, Client] = {}
        self._taken = 0

    def client(self, name: str) -> Client:
        """Return the client of the case with this name. The channel is the same for all."""
        if name not in self.clients:
            seed, device = self._case.encode()[:32].ljust(32, b"."), name.encode()[:8].ljust(8)
            self.clients[name] = Client(f"{self._case}/{name}", seed, device)
        return self.clients[name]

    async def ask(self, client: Client, do: str, **fields: object) -> dict[str, Any]:
        """Send a command for a client to the adapter. Raises Failure for an answer with an
        error."""
        answer = await self.attempt(client, do, **fields)
        if "error" in answer:
            raise Failure(f"the command {do} to be carried out", f"the error {answer['error']}")
        return answer

    async def attempt(self, client: Client, do: str, **fields: object) -> dict[str, Any]:
        """Send a command that a client may refuse, and return the answer."""
        return await self._adapter.ask(do, client=client.name, **fields)

    async def advance_clock(self, seconds: float) -> None:
        """Move the clock of the clients."""
        await self.tell("clock", advance=seconds)

    async def tell(self, do: str, **fields: object) -> None:
        """Send a command for all clients. Raises Failure for an answer with an error."""
        answer = await self._adapter.ask(do, **fields)
        if "error" in answer:
            raise Failure(f"the command {do} to be carried out", f"the error {answer['error']}")

    async def poll(self) -> None:
        """Fetch what the clients report."""
        answer = await self._adapter.ask("events")
        events = answer.get("events")
        if not isinstance(events, list) or not all(map(_is_event, events)):
            raise AdapterFault(f"the answer to events has no list of events: {as_json(answer)}")
        by_name = {client.name: client for client in self.clients.values()}
        for event in events:
            # Those of an earlier case come late.
            if client := by_name.get(str(event.pop("client", ""))):
                client.events.append(event)
                if len(client.events) > MAX_EVENTS:
                    raise Failure(f"at most {MAX_EVENTS} events", "more")

    async def settle(self) -> None:
        """Let the client read what is in its socket: an event loop does so between two polls."""
        for _ in range(3):
            await self.pulse.wait(0)
            await self.poll()

    async def pause(self) -> None:
        """Let a client that has threads act on the new time, and fetch what it reports."""
        await self.pulse.wait(PAUSE_SECONDS)
        await self.settle()

    async def until(
        self, client: Client, ready: Callable[[], Found | None], expected: str, *, of: str = "relay"
    ) -> Found:
        """Return what `ready` finds. Raises Failure after the patience, or once it is hopeless.

        Looks once more after the deadline: what arrived in time may be unread on a busy machine.
        `of` is "relay" for what a connection receives, "event" for what the client reports.
        """
        now, pause = self._reactor.seconds, 0.0
        deadline, hopeless_since, seen = now() + self._patience, None, -1
        while (found := ready()) is None:
            received = sum(each.bytes_received for each in self.relay.connections)
            if received != seen:
                seen, deadline = received, now() + self._patience
            if of == "relay" and client.has_ended and hopeless_since is None:
                hopeless_since = now()
            is_hopeless = hopeless_since is not None and now() > hopeless_since + GRACE_SECONDS
            if is_hopeless or now() > deadline:
                await self.settle()
                if (found := ready()) is not None:
                    return found
                raise Failure(expected, client.describe())
            await self.poll()
            if (found := ready()) is not None:
                return found
            await self.pulse.wait(pause)
            pause = min(max(2 * pause, MIN_POLL_SECONDS), MAX_POLL_SECONDS)
        return found

    async def accept(self, client: Client) -> RelayConnection:
        """Return the next connection, with its request, as the client's present one."""

        def next_request() -> RelayConnection | None:
            found = self.next_connection()
            return found if found and (found.request or found.fault) else None

        found = await self.take(client, next_request, "a connection with an upgrade request")
        if found.fault:
            raise Failure("a valid request", found.fault)
        return found

    async def take(
        self, client: Client, ready: Callable[[], RelayConnection | None], expected: str
    ) -> RelayConnection:
        """Return the next connection, once `ready` finds it, as the client's present one."""
        client.connection, client.session = None, 0
        found = await self.until(client, ready, expected)
        self._taken += 1
        client.connection = found
        return found

    def next_connection(self) -> RelayConnection | None:
        """Return the connection that no step has taken yet; None if there is none."""
        waiting = self.relay.connections[self._taken :]
        return waiting[0] if waiting else None

    async def clean_up(self) -> None:
        """End the clients of the case and its relay."""
        try:
            for client in self.clients.values():
                await self._adapter.ask("close", client=client.name)
        finally:
            await self.relay.stop()


def _is_event(value: object) -> bool:
    """Return whether a value can be an event: an object with the name of its kind."""
    return isinstance(value, dict) and isinstance(value.get("event"), str)
