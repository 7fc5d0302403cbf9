"""The privacy notice as a page for people: the sentences of /privacy.json, from the same object."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from vaultrelay.web.public_page import public_page

_KEPT = "seconds_kept_after_disconnect"
_LISTS = {
    "sees": ("What the relay sees", ""),
    "cannot_see": ("What it cannot see", ""),
    "writes_to_disk": ("What it writes to disk", "Nothing."),
    "third_parties": ("What it passes on to third parties", "Nothing."),
    "beyond_the_relay": ("What is beyond the relay", ""),
}
"""A heading for each list, and what an empty one means."""


def privacy_page(notice: Mapping[str, Any]) -> bytes:
    """Return the page of a privacy notice."""
    parts = [f"<p>{escape(notice['says'])}</p>"]
    for key, (heading, nothing) in _LISTS.items():
        parts.append(f"<h2>{heading}</h2>\n{_list(notice[key], nothing)}")
    logs = notice["logs"]
    parts.append(
        f"<h2>What it logs</h2>\n<p>The log has level {escape(logs['level'])}. "
        f"{escape(logs['says'])}</p>"
    )
    parts.append(
        '<p><small><a href="./">How to use this relay</a> · <a href="privacy.json">the same for '
        "programs</a></small></p>\n"
    )
    return public_page("Privacy on this relay", "\n".join(parts))


def _list(items: Iterable[Mapping[str, Any]], nothing: str) -> str:
    rows = "".join(f"<li>{escape(each['says'])}{_kept(each)}" for each in items)
    return f"<ul>{rows}</ul>" if rows else f"<p>{nothing}</p>"


def _kept(item: Mapping[str, Any]) -> str:
    if _KEPT not in item:
        return ""
    # Exact: a rounded time would promise too much.
    after = f" and up to {item[_KEPT]:g} seconds longer" if item[_KEPT] else ""
    return f" <small>Kept while the device is connected{after}.</small>"
