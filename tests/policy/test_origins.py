"""Origins: how they are spelled, and which are listed."""

import pytest

from vaultrelay.policy.origins import Origins, origin_of, serialized_origin

APP = "https://app.example.org"


@pytest.mark.parametrize(
    ("text", "serialized"),
    [
        ("null", "null"),
        (APP, APP),
        ("HTTPS://App.EXAMPLE.org", APP),
        ("https://app.example.org:443", APP),
        ("https://app.example.org:0443", APP),
        ("http://app.example.org:80", "http://app.example.org"),
        ("http://app.example.org:443", "http://app.example.org:443"),
        ("https://app.example.org:0", "https://app.example.org:0"),
        ("https://app.example.org:8443", "https://app.example.org:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://192.0.2.1", "http://192.0.2.1"),
        ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("file://", "file://"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://0f5a3f9c-1d2e-4b5a", "moz-extension://0f5a3f9c-1d2e-4b5a"),
        ("app://obsidian.md:443", "app://obsidian.md:443"),
    ],
)
def test_an_origin_is_spelled_as_browsers_do(text: str, serialized: str) -> None:
    assert serialized_origin(text) == serialized
    assert text.isascii() is bool(origin_of(text))
    assert serialized_origin(serialized) == serialized


BAD = [
    "",
    " ",
    "NULL",
    "app.example.org",
    "app.example.org:443",
    "//app.example.org",
    "https:app.example.org",
    "https://",
    "https:///",
    f"{APP}/",
    f"{APP}/path",
    f"{APP}?",
    f"{APP}#",
    f"{APP}.",
    f"{APP}:",
    f"{APP}:65536",
    f"{APP}:443443",
    f"{APP}:-1",
    f"{APP} {APP}",
    f"{APP},{APP}",
    f" {APP}",
    "https://any@app.example.org",
    "https://any:token@app.example.org",
    "https://app..example",
    "https://-\x00.example",
    "https://[::1",
    "https://[fe80::1%25eth0]",
    "https://[app.example.org]",
    "1https://app.example.org",
    "*",
    "https://*.example.org",
    "https://app.*",
    "null ",
    f"null {APP}",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_origin_is_never_listed(text: str) -> None:
    assert origin_of(text) == ""
    assert "" not in Origins.read([APP, "null", "https://*", "http://*", "file://"])
    with pytest.raises(ValueError, match="is not an origin such as"):
        Origins.read([text])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (f"{APP}/vault", "; did you mean https://app.example.org?"),
        ("app.example.org", "; did you mean https://app.example.org?"),
        ("localhost:3000/x", "or https://* for every website"),
        (f"{APP},{APP}", "or https://* for every website"),
        ("https://*.example.org", "or https://* for every website"),
    ],
)
def test_a_near_miss_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Origins.read([text])
    assert str(caught.value).endswith(hint)


@pytest.mark.parametrize("scheme", ["ws", "wss", "WSS"])
def test_the_url_of_a_relay_is_no_origin(scheme: str) -> None:
    with pytest.raises(ValueError, match="is the URL of a relay; an origin is that of a web page"):
        Origins.read([f"{scheme}://relay.example.org"])


@pytest.mark.parametrize(
    ("listed", "header", "is_listed"),
    [
        ([APP], APP, True),
        ([f"{APP}:443"], "HTTPS://APP.example.org", True),
        ([APP], f"{APP}:8443", False),
        ([APP], "http://app.example.org", False),
        ([APP], "https://app.example.org.evil.example", False),
        ([APP], "https://evil-app.example.org", False),
        ([APP], "https://x.app.example.org", False),
        ([APP], "https://example.org", False),
        ([APP], "null", False),
        ([APP], "https://app.example.org\u00e9", False),
        ([APP], "https://" + "a." * 4000 + "example", False),
        (["null"], "null", True),
        (["null"], "", False),
        (["https://*"], "https://anything.example:8443", True),
        (["https://*"], "http://anything.example", False),
        (["https://*"], "null", False),
        (["https://*"], "https", False),
        (["MOZ-extension://*"], "moz-extension://0f5a3f9c", True),
        (["moz-extension://*"], "moz-extension2://0f5a3f9c", False),
        ([], APP, False),
        ([], "null", False),
    ],
)
def test_origins_are_compared_whole(listed: list[str], header: str, is_listed: bool) -> None:
    assert (origin_of(header) in Origins.read(listed)) is is_listed


def test_they_are_shown_in_order() -> None:
    assert str(Origins.read(["null", "moz-extension://*", APP])) == f"{APP} moz-extension://* null"
    assert not Origins.read([])
    assert Origins.read(["https://*"])
