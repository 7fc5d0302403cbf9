"""The status page: what stands on it, and what never does."""

from configparser import ConfigParser
from html.parser import HTMLParser
from math import nan
from typing import Any

import pytest

from tests.web.made import made
from tests.web.sample_metrics import DAY, NOW, metrics
from vaultrelay.broker.counters import Counters
from vaultrelay.observe.relay_snapshot import CURVES, Expiry, Waits
from vaultrelay.policy.limits.admin import HISTORY_SAMPLES
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.status_page import DOCUMENTATION, status_page
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.data import Reason


class Seen(HTMLParser):
    """The tags of a page, and its text without the styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page(samples: float = nan, options: dict[str, object] | None = None, **changes: Any) -> str:
    curves = {name: [samples] * HISTORY_SAMPLES for name in CURVES}
    return made(status_page(metrics(**changes), curves, options or {}))


def text(*arguments: Any, **changes: Any) -> str:
    return Seen(page(*arguments, **changes)).text


def test_what_is_urgent_does_not_pass_for_a_remark() -> None:
    warnings = [
        OperatorWarning("certificate", "It has ended.", is_urgent=True),
        OperatorWarning("no_name", "x"),
    ]
    assert "relay Needs attention" in text(warnings=warnings)
    assert page(warnings=warnings).count('<li class="urgent">') == 1
    assert "Needs attention" not in text(warnings=warnings, state="draining")


def test_nothing_comes_from_outside_and_nothing_runs() -> None:
    tags = Seen(page()).tags
    names = [name for name, _ in tags]
    assert not {"script", "img", "iframe", "object", "form"} & set(names)
    assert names.count("svg") == len(CURVES) == 5
    links = [value for _, found in tags for key, value in found.items() if key in ("href", "src")]
    assert str(links[0]).startswith("data:image/svg+xml,")
    assert links[1:] == ["options", "metrics", f"{DOCUMENTATION}/monitoring.html"]
    assert not any("style" in found or "onclick" in found for _, found in tags)


def test_the_documentation_is_where_the_package_says() -> None:
    config = ConfigParser()
    config.read("setup.cfg")
    assert f"Documentation = {DOCUMENTATION}" in config["metadata"]["project_urls"].splitlines()


def test_warnings_are_above_the_figures() -> None:
    shown = page(warnings=[OperatorWarning("no_names", "It knows no name.")])
    assert shown.index("<h2>Warnings") < shown.index('<dl class="figures">')
    assert "<h2>Warnings" not in page()


def test_the_plots_are_of_the_time_that_the_relay_has_been_up() -> None:
    assert "The last 4 minutes" in text()
    assert "The last hour" in text(1.0)
    assert "15 min" in text(1.0)


def test_it_loads_itself_anew() -> None:
    assert '<meta http-equiv="refresh" content="10" />' in page()


def test_the_state_is_told_first() -> None:
    assert text().startswith(
        "3 devices, VaultMesh relay VaultMesh relay Running Version 1.0.0 (native), up"
    )
    named = text(node="relay-2")
    assert named.startswith(
        "3 devices, VaultMesh relay relay-2 VaultMesh relay relay-2 Running Ver"
    )
    assert "relay Stopping" in text(state="draining")
    warnings = [OperatorWarning("no_names", "It knows no name <of its own>.")]
    told = text(warnings=warnings)
    assert "relay Running, with warnings" in told
    assert "It knows no name <of its own>. no_names" in told


def test_a_relay_without_troubles_says_so() -> None:
    told = text(certificates=())
    for words in (
        "Every message was delivered.",
        "No connection was refused.",
        "No session has ended.",
        "No device had to wait.",
        "The relay serves no certificate.",
    ):
        assert words in told


def test_the_figures_have_their_units() -> None:
    told = text(
        messages_per_second=1500,
        data_bytes_per_second=1500,
        messages=12_000_000,
        data_bytes=3 * 10**9,
    )
    for words in (
        "Devices 3 of at most 1000",
        "Channels 4 0 joins in total",
        "Messages 1500/s 12 M in total",
        "Data 1.5 kB/s 3 GB in total",
        "Queued for devices 5 B of at most 6 B",
        "Event loop 7 ms longest delay in a minute",
        "Memory 40 MB 12 of 1024 files open",
        "Pending connections 1 and 2 joining",
    ):
        assert words in told
    assert "Memory" not in text(memory_bytes=None)


def test_devices_that_wait_are_shown_at_the_figure_of_what_they_wait_for() -> None:
    told = text(waits={"memory": Waits(0, 5), "core": Waits(12, 3000)})
    assert "of at most 6 B Event loop" in told
    assert "longest delay in a minute; waiting devices: 12 Mem" in told
    assert "and their network had used more than its share core 3000" in told
    told = text(waits={"memory": Waits(3, 5), "core": Waits(0, 0)})
    assert "of at most 6 B; waiting devices: 3 Event loop" in told
    assert "longest delay in a minute Mem" in told
    assert "Waits of devices since the start Memory was short, and their channel or network" in told


def test_counts_have_words_and_the_most_frequent_is_first() -> None:
    counters = Counters()
    counters.refused.update(proof=1, tls_distrust=20)
    counters.undelivered.update(gone=3)
    counters.closed.update(slow=2)
    counters.left.update(closed=9)
    told = text(counters=counters)
    assert "Do not trust the relay's certificate tls_distrust 20 Did not prove" in told
    assert "The receiver had left gone 3" in told
    assert "The device closed the connection. closed 9 The device did not read" in told


def test_every_slug_has_words() -> None:
    counters = Counters()
    counters.refused.update(list(REFUSED))
    counters.undelivered.update(reason.name.lower() for reason in Reason)
    counters.closed.update(code.slug for code in CloseCode)
    counters.left.update(["closed", "lost"])
    assert "<th> " not in page(counters=counters)


@pytest.mark.parametrize(
    ("days", "left", "soon"),
    [(30.5, "30 days left", False), (13.9, "13 days left", True), (-0.1, "expired", True)],
)
def test_a_certificate_tells_its_days(days: float, left: str, soon: bool) -> None:
    shown = page(certificates=[Expiry("<a.example>", NOW + days * DAY)])
    assert f"{left}" in shown
    assert ("count soon" in shown) is soon
    assert "&lt;a.example&gt;" in shown


def test_what_is_no_text_does_not_stop_the_page() -> None:
    """Variables and file names are bytes: Python keeps those that are not UTF-8 as surrogates."""
    found = [OperatorWarning("unknown_variable", "RELAY_\udcff\033[31m is no option")]
    made = page(warnings=found, options={"admin": "unix:/run/\udcff"})
    assert "\033" not in made
    assert made.encode()
    assert "RELAY_\\udcff\\x1b[31m is no option" in made
    assert "unix:/run/\\udcff" in made
