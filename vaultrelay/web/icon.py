"""The icon of a page: a disc that stands in the page itself."""

from urllib.parse import quote

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<circle cx="8" cy="8" r="6" fill="{colour}"/></svg>'
)


def icon_link(colour: str) -> str:
    """Return the link element of a page's head; `colour` is one of CSS."""
    return f'<link rel="icon" href="data:image/svg+xml,{quote(_ICON.format(colour=colour))}">'
