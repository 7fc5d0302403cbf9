"""The options in force: units, what is not set, and markup of an operator's own."""

import pytest

from tests.web.made import flat, made
from vaultrelay.web.options_section import options_list
from vaultrelay.web.status_page import options_page


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("max-buffer", 3_159_564_800, '<dd title="3159564800 bytes">3.16 GB</dd>'),
        ("ping-seconds", 50, "<dd>50 s</dd>"),
        ("max-connections", 1000, "<dd>1000</dd>"),
        ("node-name", "-", '<dd class="unset">not set</dd>'),
        ("allow-from", "nobody", "<dd>nobody</dd>"),
        ("listens on", "tcp:8080", "<dd>tcp:8080</dd>"),
        ("public-url", "<b>wss://a</b>", "<dd>&lt;b&gt;wss://a&lt;/b&gt;</dd>"),
    ],
)
def test_an_option_has_its_unit(name: str, value: object, shown: str) -> None:
    assert f"<div><dt>{name}</dt>{shown}</div>" in flat(options_list({name: value}))


def test_a_narrow_screen_gets_a_page_of_its_own_without_a_refresh() -> None:
    """A refresh would fold a section of the status page that its reader has unfolded."""
    page = made(options_page("relay-2", {"port": 1}))
    assert "<h1>VaultMesh relay relay-2</h1>" in page
    assert "<div><dt>port</dt><dd>1</dd></div>" in page
    assert '<a href="./">' in page
    assert "refresh" not in page
