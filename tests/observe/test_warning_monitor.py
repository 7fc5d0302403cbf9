"""The monitor: what is new is told once, and what is over, too."""

import pytest
from twisted.logger import LogEvent

from tests.memory import Relay
from vaultrelay.policy.limits.diagnosis import DIAGNOSIS_SECONDS
from vaultrelay.transport.client_budgets import ProxyEvidence

pytestmark = pytest.mark.usefixtures("bound")

NAMED = {"public_urls": ("wss://relay.test",)}
"""Settings with which there is nothing to say."""


def lines(relay: Relay) -> list[str]:
    """The lines about warnings, each with its level."""
    found = []
    for event in relay.log.events:
        if "warning" in event:
            found.append(f"{event['log_level'].name} {event['warning']}")
        elif event["log_format"] == "Resolved: {resolved}":
            found.append(f"over {event['resolved']}")
    return found


def test_what_is_new_is_told_once_and_what_is_over_too() -> None:
    relay = Relay(**NAMED)
    relay.service.startService()
    relay.clock.advance(DIAGNOSIS_SECONDS)
    assert lines(relay) == []
    relay.connect("127.0.0.1").upgrade(X_Forwarded_For="192.0.2.1")
    for _ in range(3):
        relay.clock.advance(DIAGNOSIS_SECONDS)
    assert len(lines(relay)) == 1
    assert lines(relay)[0].startswith("warn X-Forwarded-For from 127.0.0.1 is ignored")
    relay.service.clients.evidence = ProxyEvidence()
    relay.clock.advance(DIAGNOSIS_SECONDS)
    assert lines(relay)[1:] == ["over an untrusted proxy"]


def test_a_relay_that_ran_for_a_moment_tells_what_it_saw(logged_errors: list[LogEvent]) -> None:
    relay = Relay(**NAMED)
    relay.service.startService()
    relay.service._read_errors = ("The disc is square",)
    relay.service.stopService()
    assert lines(relay) == ["error The disc is square. The previous settings remain in force."]
    logged_errors.clear()


def test_a_look_that_fails_is_not_the_last(
    monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    relay = Relay()
    monkeypatch.setattr("vaultrelay.app.service.diagnose", None)
    relay.service.startService()
    assert len(logged_errors) == 1
    logged_errors.clear()
    monkeypatch.undo()
    relay.clock.advance(DIAGNOSIS_SECONDS)
    assert len(lines(relay)) == 1
