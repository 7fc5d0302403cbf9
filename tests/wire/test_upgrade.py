import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.wire import base64url
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.request import read_request
from vaultrelay.wire.upgrade import Upgrade, read_upgrade

FUZZ = settings(deadline=None, derandomize=True, max_examples=100)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CHANNEL = bytes(range(32))
CHANNEL_TEXT = base64url.encode(CHANNEL)
OTHER_TEXT = base64url.encode(bytes(32))
DEVICE = {
    "Host": "relay.example.org",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "X-VaultMesh-Protocol": "3",
}
BROWSER = {
    **{name: value for name, value in DEVICE.items() if name != "X-VaultMesh-Protocol"},
    "Origin": "https://vault.example.org",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "Sec-WebSocket-Protocol": f"vaultmesh.3, vaultmesh.channel.{CHANNEL_TEXT}",
}


def upgrade(
    headers: dict[str, str], first: str = "GET / HTTP/1.1", **changes: str | None
) -> Upgrade:
    """The upgrade with such headers; a change of None leaves a header out."""
    named = {name.replace("_", "-").lower(): value for name, value in changes.items()}
    merged = {**{name.lower(): value for name, value in headers.items()}, **named}
    lines = [f"{name}: {value}" for name, value in merged.items() if value is not None]
    return read_upgrade(read_request("\r\n".join([first, *lines, "", ""]).encode("latin-1")))


def refusal_of(
    headers: dict[str, str], first: str = "GET / HTTP/1.1", **changes: str | None
) -> Refusal:
    with pytest.raises(Refusal) as caught:
        upgrade(headers, first, **changes)
    return caught.value


def test_an_app_names_protocol_and_channel_in_headers() -> None:
    assert upgrade(DEVICE) == Upgrade(3, KEY, None, None)
    assert upgrade(DEVICE, X_VaultMesh_Channel=CHANNEL_TEXT) == Upgrade(3, KEY, None, CHANNEL)


def test_a_browser_names_protocol_and_channel_as_subprotocols() -> None:
    assert upgrade(BROWSER) == Upgrade(3, KEY, "vaultmesh.3", CHANNEL)


@pytest.mark.parametrize("path", ["/", "/v3", "/?token=x", "/v3?"])
def test_devices_connect_to_two_paths(path: str) -> None:
    assert upgrade(DEVICE, f"GET {path} HTTP/1.1").version == 3


@pytest.mark.parametrize("path", ["/v3/", "/v4", "/V3", "//", "/health", "/%76%33", "/./", "/#"])
def test_there_is_nothing_at_other_paths(path: str) -> None:
    assert refusal_of(DEVICE, f"GET {path} HTTP/1.1").status == 404


@pytest.mark.parametrize("first", ["HEAD / HTTP/1.1", "GET / HTTP/1.0", "GET / HTTP/1.2"])
def test_a_websocket_starts_with_get_in_http_1_1(first: str) -> None:
    assert refusal_of(DEVICE, first).status == 400


@pytest.mark.parametrize("headers", [DEVICE, BROWSER])
def test_what_only_a_proxy_takes_away_is_blamed_on_one(headers: dict[str, str]) -> None:
    """Nginx without proxy_http_version 1.1, and what turns HTTP/2 into HTTP/1.1."""
    for refusal, missing in (
        (refusal_of(headers, "GET / HTTP/1.0"), "without HTTP/1.1 in its first line."),
        (refusal_of(headers, Sec_WebSocket_Key=None), "without Sec-WebSocket-Key."),
    ):
        assert (refusal.status, refusal.counted) == (400, "upgrade_lost")
        assert missing in refusal.detail


@pytest.mark.parametrize(
    "version", [None, "", "8", "12", "14", "+13", "1_3", "013", "13.0", "13, 8", "1³", "13\xa0"]
)
def test_other_versions_of_websocket_are_refused(version: str | None) -> None:
    refusal = refusal_of(DEVICE, Sec_WebSocket_Version=version)
    assert refusal.status == 400
    assert ("Sec-WebSocket-Version", "13") in refusal.headers


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        KEY[:-1],
        KEY[:-2],
        KEY + "=",
        "A" * 24,  # 18 bytes
        "A" * 23 + "=",  # 17 bytes
        "=" + KEY[1:],
        "A" * 20 + "====",
        KEY.replace("G", "-"),
        KEY.replace("G", " "),
        KEY.replace("G", ","),
        KEY.replace("G", "é"),
        KEY.replace("G", "\xa0"),
        f"{KEY}, {KEY}",
    ],
)
def test_a_key_that_is_not_16_bytes_in_base64_is_refused(key: str | None) -> None:
    refusal = refusal_of(DEVICE, Sec_WebSocket_Key=key)
    assert refusal.status == 400
    assert refusal.detail == "Sec-WebSocket-Key is not 16 bytes in base64."


@pytest.mark.parametrize(
    "texts", ["3", "3, 4", "4,3", "2, 3, 999", ",3,", "3, 3", "x, 3", "3, 10000000000000000"]
)
def test_the_highest_common_version_of_a_list_is_taken(texts: str) -> None:
    assert upgrade(DEVICE, X_VaultMesh_Protocol=texts).version == 3
    names = ", ".join(f"vaultmesh.{text.strip()}" for text in texts.split(","))
    assert upgrade(BROWSER, Sec_WebSocket_Protocol=names).version == 3


NO_VERSION = [
    "",
    "0",
    "2",
    "4",
    "13",
    "33",
    "3.0",
    "3 4",
    "3;q=1",
    "+3",
    "-3",
    "1_3",
    "0x3",
    '"3"',
    "3\xa0",
    "\xa03",
    "3\x85",
    "\xb3",  # a superscript three, which is a digit to str.isdigit()
    "9" * 5000,
    "0" * 5000 + "3",
]


@pytest.mark.parametrize("text", NO_VERSION, ids=lambda text: repr(text[:9]))
def test_what_is_not_exactly_a_supported_version_is_none(text: str) -> None:
    for refusal in (
        refusal_of(DEVICE, X_VaultMesh_Protocol=text),
        refusal_of(BROWSER, Sec_WebSocket_Protocol=f"vaultmesh.{text}"),
    ):
        assert (refusal.status, refusal.error) == (426, "protocol_unsupported")
        assert ("X-VaultMesh-Protocol", "3") in refusal.headers


@pytest.mark.parametrize("text", ["03", "0003"])
def test_a_version_has_one_spelling_only(text: str) -> None:
    assert refusal_of(DEVICE, X_VaultMesh_Protocol=text).status == 426
    assert refusal_of(BROWSER, Sec_WebSocket_Protocol=f"vaultmesh.{text}").status == 426


@pytest.mark.parametrize(
    "names", [None, "", "chat", "vaultmesh", "vaultmesh.", "vaultmesh3", "3", "VaultMesh.3"]
)
def test_a_browser_that_offers_no_version_is_refused(names: str | None) -> None:
    assert refusal_of(BROWSER, Sec_WebSocket_Protocol=names).status == 426


def test_the_header_counts_before_the_subprotocols() -> None:
    assert refusal_of(BROWSER, X_VaultMesh_Protocol="4").status == 426
    assert upgrade(
        BROWSER, X_VaultMesh_Protocol="3", Sec_WebSocket_Protocol="vaultmesh.4"
    ) == Upgrade(3, KEY, None, None)


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        ("chat, vaultmesh.3", "vaultmesh.3"),
        ("vaultmesh.3, chat", "vaultmesh.3"),
        ("chat", None),
        ("VAULTMESH.3", None),
    ],
)
def test_only_an_offered_subprotocol_is_answered(names: str, answer: str | None) -> None:
    upgraded = upgrade(BROWSER, X_VaultMesh_Protocol="3", Sec_WebSocket_Protocol=names)
    assert upgraded.subprotocol == answer


def test_header_and_subprotocol_may_name_the_same_channel() -> None:
    assert upgrade(BROWSER, X_VaultMesh_Channel=CHANNEL_TEXT).channel == CHANNEL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 42,
        "A" * 44,
        CHANNEL_TEXT + "=",
        CHANNEL_TEXT[:-1] + "9",  # spare bits
        CHANNEL_TEXT.replace("A", "+"),
        CHANNEL_TEXT.replace("A", "\xa0"),
        CHANNEL.hex(),
    ],
)
def test_a_malformed_channel_is_refused(text: str) -> None:
    for refusal in (
        refusal_of(DEVICE, X_VaultMesh_Channel=text),
        refusal_of(BROWSER, Sec_WebSocket_Protocol=f"vaultmesh.3, vaultmesh.channel.{text}"),
    ):
        assert (refusal.status, refusal.error) == (400, "bad_request")
        assert "base64url" in refusal.detail


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (OTHER_TEXT, f"vaultmesh.3, vaultmesh.channel.{CHANNEL_TEXT}"),
        ("", f"vaultmesh.3, vaultmesh.channel.{CHANNEL_TEXT}"),
        (None, f"vaultmesh.channel.{OTHER_TEXT}, vaultmesh.3, vaultmesh.channel.{CHANNEL_TEXT}"),
        (f"{CHANNEL_TEXT}, {OTHER_TEXT}", "vaultmesh.3"),
    ],
)
def test_two_channels_are_refused(header: str | None, names: str) -> None:
    assert (
        refusal_of(BROWSER, X_VaultMesh_Channel=header, Sec_WebSocket_Protocol=names).status == 400
    )


def test_the_response_grants_what_was_asked_for_and_nothing_else() -> None:
    """The key and what it must be answered with are those of RFC 6455, section 1.3."""
    assert Upgrade(3, KEY, None, CHANNEL).response() == (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"X-VaultMesh-Protocol: 3\r\n"
        b"\r\n"
    )


def test_the_response_names_the_subprotocol() -> None:
    plain = Upgrade(3, KEY, None, CHANNEL).response()
    assert Upgrade(3, KEY, "vaultmesh.3", CHANNEL).response() == (
        plain[:-2] + b"Sec-WebSocket-Protocol: vaultmesh.3\r\n\r\n"
    )


WORDS = st.sampled_from(
    ["3", "03", "vaultmesh.3", "vaultmesh.", "vaultmesh.channel.", CHANNEL_TEXT, OTHER_TEXT, KEY]
)
ODD = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=5)
VALUES = st.lists(WORDS | ODD | st.sampled_from([",", ", ", " ", "\x85"]), max_size=5).map("".join)
CHANGED = st.sampled_from(
    [
        "X_VaultMesh_Protocol",
        "X_VaultMesh_Channel",
        "Sec_WebSocket_Protocol",
        "Sec_WebSocket_Key",
        "Sec_WebSocket_Version",
    ]
)


@FUZZ
@given(st.sampled_from([DEVICE, BROWSER]), st.dictionaries(CHANGED, VALUES, max_size=2))
def test_whatever_the_headers_say_there_is_an_upgrade_or_a_refusal(
    headers: dict[str, str], changes: dict[str, str]
) -> None:
    try:
        upgraded = upgrade(headers, **changes)
    except Refusal:
        return
    assert upgraded.version == 3
    assert upgraded.channel is None or len(upgraded.channel) == 32
    # Nothing that came gets into the answer but one of our own words.
    assert upgraded.subprotocol in (None, "vaultmesh.3")
    assert upgraded.response().count(b"\r\n") == (6 if upgraded.subprotocol is None else 7)
