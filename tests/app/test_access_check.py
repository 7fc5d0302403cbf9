"""AccessCheck: sessions under new access rules, some in each turn of the reactor."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from tests.broker.fakes import Device, Relay, channel_of_vault
from tests.recorded_log import RecordedLog
from vaultrelay.app.access_check import AccessCheck
from vaultrelay.policy.access import Access
from vaultrelay.policy.limits.access import ACCESS_CHECK_SECONDS
from vaultrelay.wire.close_codes import CloseCode

DEVICES = 5


class SlowClock(Clock):
    """A turn lasts for a single check: more than half of it passes with each look."""

    def seconds(self) -> float:
        self.rightNow += 0.6 * ACCESS_CHECK_SECONDS
        return super().seconds()


class Checked:
    """A relay, devices that have a channel each, and the check of their access."""

    def __init__(self) -> None:
        self.relay = Relay()
        self.devices = [self.relay.join(vault=vault) for vault in range(1, DEVICES + 1)]
        self.clock = SlowClock()
        self.log = RecordedLog()
        self.check = AccessCheck(self.relay.broker, self.clock, log=self.log)

    def allow(self, *vaults: int) -> None:
        """Begin to check all under rules with the channels of these vaults only."""
        access = Access(channels=frozenset(map(channel_of_vault, vaults)))
        self.relay.broker.configure(replace(self.relay.settings, access=access))
        self.check.begin()

    def finish(self) -> None:
        while self.clock.calls:
            self.clock.advance(0)

    @property
    def refused(self) -> list[Device]:
        return [each for each in self.devices if each.outbox.closed is not None]


@pytest.fixture
def checked() -> Iterator[Checked]:
    made = Checked()
    yield made
    made.check.stopService()
    assert made.clock.calls == []


def test_each_turn_checks_some_and_the_last_logs_the_sum(checked: Checked) -> None:
    checked.allow(1)
    assert len(checked.refused) <= 1
    assert checked.log.lines == []
    checked.finish()
    assert checked.refused == checked.devices[1:]
    assert {each.session.close_code for each in checked.refused} == {CloseCode.KICKED}
    assert checked.log.lines == [
        "Connections closed because the new access rules do not admit them: 4"
    ]


def test_a_change_during_a_check_has_all_checked_again(checked: Checked) -> None:
    checked.allow(*range(1, DEVICES + 1))
    checked.allow()
    checked.finish()
    assert checked.refused == checked.devices
    assert checked.log.lines[-1].endswith(f": {DEVICES}")


def test_devices_that_have_left_meanwhile_are_not_counted(checked: Checked) -> None:
    checked.allow()
    for device in checked.devices:
        device.session.connection_lost(clean=True)
    checked.finish()
    assert sum(int(line.rpartition(" ")[2]) for line in checked.log.lines) <= 1


def test_an_error_ends_the_check_of_one_session_only(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, logged_errors: list[LogEvent]
) -> None:
    close, failed = checked.relay.broker.close_if_refused, list[object]()

    def fail_once(session: object) -> bool:
        if not failed:
            failed.append(session)
            raise RuntimeError
        return close(session)  # type: ignore[arg-type]

    monkeypatch.setattr(checked.relay.broker, "close_if_refused", fail_once)
    checked.allow()
    checked.finish()
    assert len(logged_errors) == 1
    logged_errors.clear()
    assert len(checked.refused) == DEVICES - 1


def test_it_stops_with_its_service(checked: Checked) -> None:
    checked.allow()
    checked.check.stopService()
    assert checked.clock.calls == []
    assert len(checked.refused) <= 1
