"""The text of a page or a part of one, as a browser gets it."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.template import Flattenable, flattenString


def made(page: "Deferred[bytes]") -> str:
    """A page that waits for nothing."""
    results: list[Any] = []
    page.addBoth(results.append)
    assert isinstance(results[0], bytes), results
    return results[0].decode()


def flat(part: Flattenable) -> str:
    """A part of a page."""
    return made(flattenString(None, part))
