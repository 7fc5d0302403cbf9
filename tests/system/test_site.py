"""The documentation site in a browser: it fits phones, and asks for nothing from outside."""

from pathlib import Path

import pytest

from tests.system import chromium

SITE = Path(__file__).parents[2] / "build/site/html"
PHONE, DESK = 390, 1280
BEYOND = """
Math.max(...[...document.querySelectorAll("html, .content")].map(
    element => element.scrollWidth - element.clientWidth
))
"""
"""Pixels by which a page is wider than what shows it, in which the theme lets it scroll."""


@pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium here")
@pytest.mark.skipif(not SITE.is_dir(), reason="make docs has not been run")
def test_every_page_fits_and_needs_nothing_from_outside() -> None:
    pages = sorted(SITE.glob("**/*.html"))
    assert len(pages) > 30
    with chromium.tab() as tab:
        for page in pages:
            tab.load(page.as_uri())
            for width in (PHONE, DESK):
                tab.look(width)
                assert tab.value(BEYOND) <= 0, (page.name, width)
        assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
        assert tab.complaints == []
