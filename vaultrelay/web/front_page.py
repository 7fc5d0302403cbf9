"""The front page: how to use this relay, with the URL as text and as a QR code."""

from functools import lru_cache

from twisted.internet.defer import Deferred
from twisted.web.template import Flattenable

from vaultrelay.web.html_page import HtmlPage, Part, template
from vaultrelay.web.public_style import STYLE

_SCRIPT = """
if (navigator.clipboard) {
  const url = document.getElementById("url"), button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.onclick = () => navigator.clipboard.writeText(url.textContent).then(
    () => { button.textContent = "Copied" }, () => { button.textContent = "Cannot copy" });
  url.after(button);
}
"""
"""Adds the button that copies the URL. Only pages by TLS or of localhost have a
clipboard: others, and browsers without scripts, get no button."""
PAGE = HtmlPage(STYLE, _SCRIPT)
_BODY = template("""<h1>VaultMesh relay</h1>
<p><t:slot name="state"/> The devices of one password vault meet here and pass each other encrypted
data. The relay cannot read this data and does not keep it.</p>
<p>To use this relay, enter this URL in the VaultMesh app on each of your devices:</p>
<p><code id="url"><t:slot name="url"/></code></p>
<t:slot name="code"/><t:transparent t:render="private"><p>This relay is private: its operator gives
you an access token. The URL with the token is</p>
<p><code><t:slot name="url_with_token"/></code></p>
</t:transparent><p><small><t:slot name="hint"/></small></p>
<p><small><a href="privacy">What this relay sees, keeps and logs</a></small></p>
""")
_HINTS = {
    "given": "Devices must use this name to reach the relay.",
    "guessed": "This is the address that your browser used. Devices elsewhere may need a "
    "different one.",
    "unsafe": "This is the address that your browser used, without TLS: anyone on the network path "
    "sees which devices communicate, although not the content. Outside your own network use a "
    "wss:// address.",
}
_CODE = template("""<div class="code" role="img"><t:attr name="aria-label">QR code of <t:slot
name="url"/></t:attr><t:slot name="drawing"/><small>Scan this code to get the same URL</small></div>
""")


def front_page(
    url: str, hint: str, code: Flattenable, *, draining: bool, asks_token: bool
) -> Deferred[bytes]:
    """Return the page. `hint` says where the URL is from; `code` is its QR code, or empty."""
    body = Part(
        _BODY,
        state="This relay is about to restart." if draining else "This relay is running.",
        url=url,
        code=code,
        private=[{"url_with_token": url.replace("://", "://any:TOKEN@")}] if asks_token else [],
        hint=_HINTS[hint],
    )
    return PAGE.make("VaultMesh relay", body)


@lru_cache(maxsize=1)
def qr_figure(url: str) -> Flattenable:
    """Return the QR code of the operator's URL with its label, or nothing if it is too long.

    Making one takes milliseconds: only a reload with another URL makes it again.
    """
    # Imported at the first request, to save memory at the start.
    import segno

    try:
        code = segno.make_qr(url, error="m")
    except ValueError:
        return ""
    # Colours of its own: many cameras do not read a light code on a dark ground.
    drawing = code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    return Part(_CODE, url=url, drawing=template(drawing).load())
