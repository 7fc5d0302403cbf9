"""The front page: how to use this relay, with the URL as text and as a QR code."""

from html import escape

from vaultrelay.web.public_page import PAGE_POLICY, hash_source, public_page

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
"""Adds the button that copies the URL. Browsers have a clipboard for pages by TLS or of localhost
alone: elsewhere, and without scripts, there is no button."""
FRONT_POLICY = f"{PAGE_POLICY}; script-src {hash_source(_SCRIPT)}"
"""The Content-Security-Policy: also this script, and no other."""
_BODY = """<p>{state} Devices of one password vault meet here and pass each other encrypted data.
The relay cannot read it and keeps none of it.</p>
<p>To use this relay, enter this URL in the VaultMesh app on each of your devices:</p>
<p><code id="url">{url}</code></p>
{code}{token}<p><small>{hint}</small></p>
<p><small><a href="privacy">What this relay sees, keeps and logs</a></small></p>
<script>{script}</script>
"""
_HINTS = {
    "given": "Devices must reach the relay under this name.",
    "guessed": "This is the address that your browser used. Devices elsewhere may need another.",
    "unsafe": "This is the address that your browser used, without TLS: anyone on the way sees "
    "which devices talk, though not what they say. Outside your own network use a wss:// address.",
}
_PRIVATE = """<p>It is a private relay: its operator gives you an access token. The URL with it
is</p>
<p><code>{url}</code></p>
"""


def front_page(url: str, hint: str, code: str, *, draining: bool, asks_token: bool) -> bytes:
    """Return the page. `hint` says where the URL is from; `code` is its QR code, or empty."""
    url = escape(url)
    private = _PRIVATE if asks_token else ""
    body = _BODY.format(
        state="This relay is about to restart." if draining else "This relay works.",
        url=url,
        code=code,
        token=private.format(url=url.replace("://", "://any:TOKEN@")),
        hint=_HINTS[hint],
        script=_SCRIPT,
    )
    return public_page("VaultMesh relay", body)


def qr_figure(url: str) -> str:
    """Return the QR code of a URL as HTML, or nothing if it is too long for one."""
    # Imported at the first request, to save memory at the start.
    import segno

    try:
        code = segno.make_qr(url, error="m")
    except ValueError:
        return ""
    # Colours of its own: many cameras do not read a light code on a dark ground.
    drawing = code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    label = f'<div class="code" role="img" aria-label="QR code of {escape(url)}">'
    return f"{label}{drawing}<small>The same URL for a camera</small></div>\n"
