"""What the operator does with the mailbox of a running relay, with the store in memory."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.mailbox.relay import MailRelay
from vaultrelay.app.mailbox_actions import ActionFailed, MailboxActions
from vaultrelay.policy.limits.mailbox import MAX_JOBS
from vaultrelay.policy.mailbox_health import MailboxHealth
from vaultrelay.store.store import StoreDamaged
from vaultrelay.wire.control.mailbox import Erased


class Operated:
    """A mailbox with its actions. A channel is named by its first byte."""

    def __init__(self) -> None:
        self.relay = MailRelay()
        self.relay.work()
        self.clerk, self.streams = self.relay.clerk, self.relay.streams
        self.health = MailboxHealth("open")
        self.limit_bytes = 7
        self.has_names = True
        self.actions = MailboxActions(self, lambda: self.relay.broker.channels, self._name)

    def result(self, action: Deferred[Any]) -> Any:
        """The fields; raises what the action has failed with."""
        got: list[Any] = []
        action.addBoth(got.append)
        self.relay.work()
        [result] = got
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result

    def _name(self, channel: bytes) -> str | None:
        return f"c-{channel[:4].hex()}" if self.has_names else None


@pytest.fixture
def operated() -> Operated:
    return Operated()


def test_figures_are_those_of_now(operated: Operated) -> None:
    device = operated.relay.live()
    device.put(1)
    operated.relay.work()
    found = operated.result(operated.actions.usage())
    assert (found["items"], found["channels"], found["state"]) == (1, 1, "open")
    assert found["limit_bytes"] == 7


def test_an_erased_channel_is_announced_to_its_devices_alone(operated: Operated) -> None:
    relay = operated.relay
    device, other = relay.live(1), relay.live(2, vault=2)
    device.put(1)
    other.put(2)
    relay.work()
    device.read(), other.read()
    [first, _] = relay.broker.channels
    found = operated.result(operated.actions.erase(operated._name(first) or ""))
    assert found == {"was_empty": False}
    assert [type(each) for each in device.read()] == [Erased]
    assert other.read() == []
    assert operated.result(operated.actions.usage())["items"] == 1


def test_a_channel_that_never_stored_is_empty(operated: Operated) -> None:
    device = operated.relay.live()
    [channel] = operated.relay.broker.channels
    found = operated.result(operated.actions.erase(operated._name(channel) or ""))
    assert found == {"was_empty": True}
    assert device.read() == []


def test_a_channel_without_devices_has_no_name(operated: Operated) -> None:
    device = operated.relay.live()
    [channel] = operated.relay.broker.channels
    device.leave()
    with pytest.raises(ActionFailed, match="no channel with connected devices"):
        operated.actions.erase(operated._name(channel) or "")
    operated.has_names = False
    with pytest.raises(ActionFailed, match="--log-addresses none"):
        operated.actions.erase("c-00000000")


def test_one_of_two_channels_with_the_same_name_is_not_guessed(operated: Operated) -> None:
    operated.relay.live(1), operated.relay.live(2, vault=2)
    operated.actions._name_of = lambda _: "c-same"
    with pytest.raises(ActionFailed):
        operated.actions.erase("c-same")


def test_a_mailbox_that_is_away_says_why(operated: Operated) -> None:
    operated.clerk._supervisor.attempt(_fail)
    operated.health = MailboxHealth("off", "row 7")
    for action in (
        operated.actions.usage,
        operated.actions.check,
        operated.actions.trust_clock,
        lambda: operated.actions.backup("/tmp/never-written"),  # noqa: S108
    ):
        with pytest.raises(ActionFailed, match=r"^the mailbox is off: row 7$"):
            operated.result(action())


def _fail(*_: object) -> None:
    raise StoreDamaged("row 7")


def test_more_than_can_wait_is_refused(operated: Operated) -> None:
    for _ in range(MAX_JOBS):
        operated.actions.check()
    with pytest.raises(ActionFailed, match="busy"):
        operated.actions.check()


def test_a_backup_has_an_absolute_path(operated: Operated) -> None:
    with pytest.raises(ActionFailed, match=r"'b\.db' is not an absolute path"):
        operated.actions.backup("b.db")
