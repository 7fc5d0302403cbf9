"""The mailbox in the metrics and on the status page."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.sample_metrics import MAILBOX, metrics
from tests.web.test_admin_pages import FakeSource, Visit
from tests.web.test_status_page import page, text
from vaultrelay.observe.relay_snapshot import MailboxSnapshot, RelaySnapshot
from vaultrelay.web.mailbox_metrics import MAILBOX_METRICS
from vaultrelay.web.metrics_format import exposition


def scrape(mailbox: MailboxSnapshot) -> dict[str, float]:
    """Each sample by its name, with the value of its label."""
    body = exposition(MAILBOX_METRICS, metrics(mailbox=mailbox)).decode()
    return {
        " ".join([sample.name.removeprefix("vaultrelay_mailbox_"), *sample.labels.values()]): (
            sample.value
        )
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def test_each_figure_stands_at_its_name() -> None:
    found = scrape(MAILBOX)
    assert (
        found
        | {
            "up": 1,
            "items": 12,
            "bytes": 4_000_000,
            "limit_bytes": 5_000_000,
            "file_bytes": 6_000_000,
            "waiting_bytes": 100,
            "puts_total stored": 20,
            "puts_total full": 2,
            "delivered_total live": 7,
            "delivered_total replay": 8,
            "expired_total": 3,
            "gaps_total gone": 4,
            "commits_total": 9,
            "commit_seconds_total": 0.5,
        }
        == found
    )


def test_each_result_is_there_from_the_start() -> None:
    found = scrape(replace(MAILBOX, puts={}, gaps={}))
    results = ("stored", "again", "busy", "too_big", "rate", "not_allowed", "full", "away")
    assert {name: value for name, value in found.items() if name.startswith("puts")} == {
        f"puts_total {result}": 0 for result in results
    }
    assert (found["gaps_total gone"], found["gaps_total unknown"]) == (0, 0)


@pytest.mark.parametrize("state", ["opening", "full", "away", "off"])
def test_one_that_stores_nothing_is_not_up(state: str) -> None:
    assert scrape(replace(MAILBOX, state=state))["up"] == 0


def test_what_is_not_known_yet_is_left_out() -> None:
    found = scrape(replace(MAILBOX, items=None, bytes=None, file_bytes=None, expired=None))
    assert not {"items", "bytes", "file_bytes", "expired_total"} & found.keys()


class WithMailbox(FakeSource):
    def metrics(self) -> RelaySnapshot:
        return metrics(mailbox=MAILBOX)


def test_a_relay_without_a_mailbox_has_none_of_it() -> None:
    assert b"vaultrelay_mailbox_" not in Visit(FakeSource(), "/metrics").answer()[1]
    assert b"vaultrelay_mailbox_items 12\n" in Visit(WithMailbox(), "/metrics").answer()[1]
    assert "Stored messages" not in text()


def test_the_status_page_has_state_and_sizes() -> None:
    told = text(mailbox=MAILBOX)
    for words in (
        "State stores messages",
        "Stored messages 12",
        "Size 4 MB of at most 5 MB",
        "File 6 MB",
        "Messages stored since the start 20",
        "Messages refused since the start 3",
    ):
        assert words in told


def red(mailbox: MailboxSnapshot) -> int:
    """How much of it is red."""
    certificate = 'class="count soon"'
    return page(mailbox=mailbox).count(certificate)


def test_gaps_a_full_mailbox_and_outages_are_red() -> None:
    well = replace(MAILBOX, gaps={})
    assert red(well) == 0
    assert red(replace(well, gaps={"gone": 1})) == 1
    assert red(replace(well, gaps={"gone": 1, "unknown": 2})) == 2
    assert red(replace(well, bytes=5_000_000)) == 1
    assert red(replace(well, state="off")) == 1
    assert "Gaps: devices that missed messages" in text(mailbox=MAILBOX)
