"""The frame of the public pages for people: head, style and icon, nothing from outside."""

from base64 import b64encode
from hashlib import sha256

from vaultrelay.web.icon import icon_link
from vaultrelay.web.page_resource import POLICY

_STYLE = """
:root { color-scheme: light dark }
body { font: 1.0625rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto 4rem;
  padding: 0 1.25rem }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
h2 { font-size: 1.125rem; margin: 2rem 0 .5rem }
code { display: block; font: 1.125rem/1.4 ui-monospace, monospace; padding: .75rem 1rem;
  border: 1px solid; border-radius: .5rem; overflow-wrap: anywhere; user-select: all }
small { opacity: .75 }
li { margin: .5rem 0 }
ul { padding-left: 1.25rem }
button { font: inherit; font-size: .9375rem; padding: .25rem 1rem; margin-top: .6rem;
  color: inherit; background: none; border: 1px solid; border-radius: .5rem; cursor: pointer }
.code { margin: 1.5rem 0; text-align: center }
.code svg { width: 13rem; max-width: 100%; border-radius: .5rem; display: block;
  margin: 0 auto .5rem }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{icon}
<style>{style}</style>
<h1>{title}</h1>
{body}</html>
"""


def hash_source(text: str) -> str:
    """Return the source of a Content-Security-Policy that allows this style or script alone."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


PAGE_POLICY = POLICY.format(styles=hash_source(_STYLE)) + "; img-src data:"
"""The Content-Security-Policy: this style alone, and the icon, which stands in the page."""


def public_page(title: str, body: str) -> bytes:
    """Return a page. Both texts are HTML."""
    return _PAGE.format(title=title, icon=icon_link("#2463a6"), style=_STYLE, body=body).encode()
