"""HTML pages: a fixed frame with one style sheet, and parts made from XML templates and data.

twisted.web.template escapes all data. In HTML a style sheet or a script must not be escaped: they
are constants, and stay outside of the templates.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.template import (
    TEMPLATE_NAMESPACE,
    Element,
    Flattenable,
    XMLString,
    flattenString,
    tags,
)

from vaultrelay.web.page_resource import POLICY

_BEGIN = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>{style}</style>
"""
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<circle cx="8" cy="8" r="6" fill="{colour}"/></svg>'
)


class Part(Element):
    """A template filled with data: a slot gets the value of its name, which can be another part.

    An element with the attribute t:render="name" is repeated for each mapping in the list `name`,
    which fills the slots in it.
    """

    def __init__(self, template: XMLString, **data: Any) -> None:
        super().__init__(template)
        self._data = data

    def render(self, request: IRequest | None) -> Flattenable:
        return tags.transparent(super().render(request)).fillSlots(**self._data)

    def lookupRenderMethod(self, name: str) -> Any:
        return lambda _, tag: [tag.clone(deep=False).fillSlots(**each) for each in self._data[name]]


class HtmlPage:
    """A kind of page: its style sheet, its script, and the Content-Security-Policy for both."""

    def __init__(self, style: str, script: str = "") -> None:
        self._begin = _BEGIN.format(style=style).encode()
        self._end = f"<script>{script}</script></html>\n".encode() if script else b"</html>\n"
        # The icon stands in the page itself.
        self.policy = POLICY.format(styles=_hash_source(style)) + "; img-src data:"
        if script:
            self.policy += f"; script-src {_hash_source(script)}"

    def make(self, title: str, content: Part, *, colour: str = "#2463a6") -> Deferred[bytes]:
        """Return the page. `colour`, one of CSS, is that of its icon."""
        icon = f"data:image/svg+xml,{quote(_ICON.format(colour=colour))}"
        head = (tags.title(title), "\n", tags.link(rel="icon", href=icon), "\n")
        text = flattenString(None, [head, content])
        return text.addCallback(lambda body: self._begin + body + self._end)


def template(text: str) -> XMLString:
    """Return the template in `text`: XML, with the prefix t: for slots, attributes and parts."""
    return XMLString(f'<t:transparent xmlns:t="{TEMPLATE_NAMESPACE}">{text}</t:transparent>')


def _hash_source(text: str) -> str:
    """Return the source of a Content-Security-Policy that allows only this style or script."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
