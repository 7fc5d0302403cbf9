"""What an operator is told of the mailbox."""

from dataclasses import replace

import pytest

from tests.memory import Relay
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.observe.warnings import diagnose
from vaultrelay.policy.mailbox_health import MailboxHealth

FAULT = "less than 5 bytes are free on the disk"


def told(health: MailboxHealth | None, listen: tuple[str, ...] = ()) -> dict[str, str]:
    """The warnings of the mailbox by slug."""
    relay = Relay(public_urls=("wss://relay.test",))
    settings = replace(relay.service.settings, mailbox="/var/mailbox", listen=listen)
    state = RelayState(
        settings=settings, broker=relay.broker, now=relay.service.hub.reactor, mailbox=health
    )
    return {each.slug: each.text for each in diagnose(state)}


def test_one_that_works_or_is_not_there_has_nothing_to_say() -> None:
    assert told(None, ("haproxy:tcp:80",)) == {}
    assert told(MailboxHealth("open")) == {}


@pytest.mark.parametrize(
    ("state", "cure"),
    [
        ("full", "Make room on the disk"),
        ("away", "tries again every few seconds"),
        ("off", "Restore it from a backup, or move the folder /var/mailbox away"),
    ],
)
def test_an_outage_has_its_fault_and_its_cure(state: str, cure: str) -> None:
    text = told(MailboxHealth(state, FAULT))["mailbox"]
    assert FAULT in text
    assert cure in text


def test_a_disk_that_does_not_respond_is_named_by_its_folder() -> None:
    text = told(MailboxHealth("opening"))["mailbox"]
    assert "the disk of the folder /var/mailbox does not respond" in text


def test_haproxy_and_an_old_sqlite_are_told() -> None:
    assert list(told(MailboxHealth("open"), ("haproxy:tcp:80",))) == ["mailbox_haproxy"]
    found = told(MailboxHealth("open", is_old_sqlite=True))
    assert "vault-relay mailbox backup" in found["old_sqlite"]
