"""The front page in a real browser: nothing from outside, and a copy button under its policy."""

from collections.abc import Iterator

import pytest

from tests.process.processes import running_relay
from tests.system import chromium
from tests.system.chromium import Tab

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="needs Chromium")
URL = "wss://relay.example.org"
COPIED = """
navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() };
document.querySelector('button').click()
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_relay("--public-url", URL) as relay:
        yield relay.port


@pytest.fixture
def tab() -> Iterator[Tab]:
    with chromium.tab() as tab:
        yield tab


@pytest.mark.parametrize("path", ["", "privacy"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_the_window_and_asks_for_nothing_else(
    port: int, tab: Tab, path: str, width: int, dark: bool
) -> None:
    page = f"http://localhost:{port}/{path}"
    tab.look(width, dark)
    tab.load(page)
    assert tab.value("document.documentElement.scrollWidth") == width
    outside = [each for each in tab.requests if not each.startswith("data:image/svg+xml,")]
    assert outside == [page]
    assert tab.complaints == []


def test_the_button_copies_the_url(port: int, tab: Tab) -> None:
    tab.load(f"http://localhost:{port}/")
    tab.value(COPIED)
    assert tab.value("window.copied") == URL
    assert tab.value("document.querySelector('button').textContent") == "Copied"
    assert tab.complaints == []


def test_without_scripts_there_is_no_button(port: int, tab: Tab) -> None:
    tab.scripts(False)
    tab.load(f"http://localhost:{port}/")
    assert tab.value("document.querySelector('button')") is None
    assert URL in tab.text()


def test_another_script_would_not_run(port: int, tab: Tab) -> None:
    tab.load(f"http://localhost:{port}/")
    tab.value(
        "const added = document.createElement('script'); added.textContent = 'window.ran = 1';"
        "document.body.append(added)"
    )
    assert tab.value("window.ran") is None
    assert any("Content Security Policy" in each for each in tab.complaints)
