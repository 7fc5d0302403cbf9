"""The section of the status page with the options in force, folded on a narrow screen."""

from collections.abc import Mapping
from html import escape

from vaultrelay.config.option import options_of
from vaultrelay.config.settings import Settings
from vaultrelay.logs import printable
from vaultrelay.web.units import size

_UNITS = {each.name: each.kind.value for each in options_of(Settings)}


def options_section(options: Mapping[str, object]) -> str:
    """The options by name, with units; the exact number of bytes is the title of its size."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt>{_value(_UNITS.get(name), value)}</div>"
        for name, value in options.items()
    )
    return (
        "<details><summary><h2>Options in force</h2></summary>"
        f'<dl class="options">{rows}</dl></details>'
    )


def _value(unit: str | None, value: object) -> str:
    if value == "-":
        return '<dd class="unset">not set</dd>'
    if isinstance(value, int) and unit == "BYTES":
        return f'<dd title="{value} bytes">{size(value)}</dd>'
    # An operator's own words: a file name or a variable need not even be UTF-8.
    return f"<dd>{escape(printable(str(value)))}{' s' * (unit == 'SECONDS')}</dd>"
