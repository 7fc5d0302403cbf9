"""The status page in a real browser: asks for nothing else, runs nothing, and fits the window."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.process.admin_relay import relay_with_admin
from tests.process.crowd import ask
from tests.process.devices import joined
from tests.system import chromium
from tests.system.chromium import Tab

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="needs Chromium")
DEVICES = 5
NOBODY = "http://127.0.0.1:1"
PICTURES = Path("build/system")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The page of a relay with a few devices, of which one has said something."""
    with ExitStack() as stack:
        _, other = stack.enter_context(relay_with_admin("--node-name", "other"))
        named = relay_with_admin(
            *("--public-url", "ws://localhost", "--node-name", "named"),
            *("--admin-node", other, "--admin-node", NOBODY),
        )
        relay, url = stack.enter_context(named)
        for number in range(DEVICES):
            where = f"ws://localhost:{relay.port}"
            device, welcome = stack.enter_context(joined(where, device=b"device-%d" % number))
        sender = welcome["session"].to_bytes(4, "big")
        device.send(b"\x10\0\0\0" + b"\xff" * 4 + sender + bytes(4) + bytes(1000))
        device.send(b"\x10\0\0\0" + bytes(3) + b"\xee" + sender + bytes(4) + b"nobody")
        device.recv()
        ask(relay.port, b"\x16\x03\x01")
        yield url


@pytest.fixture
def tab() -> Iterator[Tab]:
    with chromium.tab() as tab:
        yield tab


@pytest.mark.parametrize("scripts", [True, False])
def test_it_shows_the_figures_and_asks_for_nothing_else(url: str, tab: Tab, scripts: bool) -> None:
    tab.scripts(scripts)
    tab.load(url)
    text = tab.text()
    for words in (
        f"Devices\n{DEVICES}\nof at most 1000",
        "Undelivered messages",
        "The receiver had left",
        "Did not speak HTTP",
        "4 min ago",
        "max-connections",
        "All relays",
        f"{DEVICES} of 2000",
        "no answer: connection refused",
    ):
        assert words in text
    outside = [each for each in tab.requests if not each.startswith("data:image/svg+xml,")]
    assert outside == [f"{url}/"]
    assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1200])
def test_it_fits_the_window_and_is_drawn(url: str, tab: Tab, width: int, dark: bool) -> None:
    tab.look(width, dark)
    tab.load(url)
    assert tab.value("document.documentElement.scrollWidth") == width
    assert tab.value("document.querySelectorAll('svg path.line').length") == 5
    ground = tab.value("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 21, 26)" if dark else "rgb(246, 245, 241)")
    picture = tab.picture()
    assert picture.startswith(b"\x89PNG")
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"status-{width}-{'dark' if dark else 'light'}.png").write_bytes(picture)


@pytest.mark.parametrize(("width", "is_wide"), [(390, False), (1200, True)])
def test_a_phone_shows_the_options_on_a_page_that_stays(
    url: str, tab: Tab, width: int, is_wide: bool
) -> None:
    def shown(element: str) -> bool:
        return bool(tab.value(f"document.querySelector('{element}').getClientRects().length"))

    tab.look(width)
    tab.load(url)
    assert shown("dl.options") is is_wide
    assert shown("section.options a") is not is_wide
    tab.load(tab.value("document.querySelector('section.options a').href"))
    assert shown("dl.options")
    assert tab.value("document.querySelector('meta[http-equiv=refresh]')") is None
    assert tab.value("document.documentElement.scrollWidth") == width
    assert tab.complaints == []


def test_a_style_or_script_of_somebody_else_would_have_no_effect(url: str, tab: Tab) -> None:
    """So that an empty list of complaints means something."""
    tab.load(url)
    tab.value("document.body.setAttribute('style', 'color: red')")
    assert any("Content Security Policy" in each for each in tab.complaints)
