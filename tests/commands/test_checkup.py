"""The checkup: what it says of each failure."""

from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.testing import MemoryReactorClock

from vaultrelay.client import Closed, Refused
from vaultrelay.commands import checkup


@pytest.mark.parametrize(
    ("error", "step", "said"),
    [
        (OSError(-2, "Name or service not known"), "name", "Name or service not known. Is the"),
        (Refusal(), "tcp", "Connection was refused by other side. Is the relay running"),
        (SSL.Error([("SSL routines", "", "certificate verify failed")]), "tls", "certificate ver"),
        (SSL.Error(), "tls", "Error. Does the relay serve TLS here"),
        (Refused(503, "relay_full", "Full."), "upgrade", "Full. (503 relay_full)."),
        (TimeoutError(), "upgrade", "no answer in 20 s. Something accepts connections here"),
        (Closed(4504, "audience"), "join", "closed with 4504 audience. The protocol page"),
        (Closed(4004, "a\x1bb"), "echo", "closed with 4004 a\\x1bb."),
    ],
)
def test_each_failure_is_told_with_where_to_look(error: Exception, step: str, said: str) -> None:
    assert checkup.explain(error, step).startswith(said)


class Peer:
    """A device that receives what the test says, in place of a real one."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def receive(self) -> Any:
        return self.events.pop(0)


def test_anything_but_a_message_ends_an_exchange() -> None:
    device: Any = Peer("something else")
    failed: Deferred[Any] = ensureDeferred(checkup._payload(device))
    found: list[Any] = []
    failed.addErrback(found.append)
    assert "instead of a message came str" in str(found[0].value)


def test_a_step_that_hangs_has_failed() -> None:
    clock: Any = MemoryReactorClock()
    tried = checkup.Checkup(clock, "ws://relay.test", lambda result: None)

    async def hang() -> dict[str, Any]:
        await Deferred()
        return {}

    results: list[Any] = []
    ensureDeferred(tried._take("echo", hang)).addCallback(results.append)
    clock.advance(checkup.STEP_SECONDS)
    assert (results[0]["passed"], results[0]["detail"]) == (False, "no answer in 20 s.")
