"""The options in force: units, what is not set, and markup of an operator's own."""

import pytest

from vaultrelay.web.options_section import options_section
from vaultrelay.web.status_style import STYLE


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
    assert f"<div><dt>{name}</dt>{shown}</div>" in options_section({name: value})


def test_it_is_folded() -> None:
    """The style sheet shows it all the same where the screen is wide enough."""
    assert options_section({"port": 1}).startswith("<details><summary>")
    assert "details::details-content { content-visibility: visible" in STYLE
