"""The options in force: a section of the status page, on a narrow screen a page of its own."""

from collections.abc import Mapping

from twisted.web.template import Tag, tags

from vaultrelay.config.option import options_of
from vaultrelay.config.settings import Settings
from vaultrelay.policy.printable import printable
from vaultrelay.web.units import size

_UNITS = {each.name: each.kind.value for each in options_of(Settings)}


def options_list(options: Mapping[str, object]) -> Tag:
    """Return the options by name, with units; the title of a size is its exact number of bytes."""
    rows = (
        tags.div(tags.dt(name), _value(_UNITS.get(name), value)) for name, value in options.items()
    )
    return tags.dl(*rows, class_="options")


def _value(unit: str | None, value: object) -> Tag:
    if value == "-":
        return tags.dd("not set", class_="unset")
    if isinstance(value, int) and unit == "BYTES":
        return tags.dd(size(value), title=f"{value} bytes")
    # An operator's own text: a file name or a variable need not even be UTF-8.
    return tags.dd(printable(str(value)) + " s" * (unit == "SECONDS"))
