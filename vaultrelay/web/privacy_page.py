"""The privacy notice as a page for users: the sentences of /privacy.json, from the same object."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.template import Tag, tags

from vaultrelay.web.html_page import HtmlPage, Part, template
from vaultrelay.web.public_style import STYLE
from vaultrelay.web.units import HOUR

PAGE = HtmlPage(STYLE)
_KEPT = "seconds_kept_after_disconnect"
_ON_DISK = "seconds_kept_on_disk"
_BODY = template("""<h1>Privacy on this relay</h1>
<p><t:slot name="says"/></p>
<t:transparent t:render="lists"><h2><t:slot name="heading"/></h2>
<t:slot name="items"/>
</t:transparent><h2>What it logs</h2>
<p>The log has level <t:slot name="level"/>. <t:slot name="logs"/></p>
<p><small><a href="./">How to use this relay</a> · <a
href="privacy.json">the same as JSON</a></small></p>
""")
_HEADINGS = {
    "sees": "What the relay sees",
    "cannot_see": "What it cannot see",
    "writes_to_disk": "What it writes to disk",
    "third_parties": "What it passes on to third parties",
    "beyond_the_relay": "What the relay does not control",
}
"""The heading of each list."""


def privacy_page(notice: Mapping[str, Any]) -> Deferred[bytes]:
    """Return the page of a privacy notice."""
    lists = [{"heading": text, "items": _items(notice[key])} for key, text in _HEADINGS.items()]
    logs = notice["logs"]
    body = Part(_BODY, says=notice["says"], lists=lists, level=logs["level"], logs=logs["says"])
    return PAGE.make("Privacy on this relay", body)


def _items(items: Sequence[Mapping[str, Any]]) -> Tag:
    if not items:
        return tags.p("Nothing.")
    return tags.ul(*(tags.li(each["says"], " ", _kept(each)) for each in items))


def _kept(item: Mapping[str, Any]) -> Tag | str:
    if _ON_DISK in item:
        return tags.small(f"Kept for at most {ceil(item[_ON_DISK] / HOUR)} hours.")
    if _KEPT not in item:
        return ""
    # Exact: a rounded time would promise too much.
    after = f" and up to {item[_KEPT]:g} seconds longer" if item[_KEPT] else ""
    return tags.small(f"Kept while the device is connected{after}.")
