import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultrelay.policy.audience import Audiences
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.relay_url import host_of_url

FUZZ = settings(deadline=None, derandomize=True, max_examples=100)


@pytest.mark.parametrize("audience", ["relay.example.org", "anything", "::1", "", "*"])
def test_a_relay_that_does_not_know_its_names_accepts_every_one(audience: str) -> None:
    assert Audiences(()).accepts(audience)


OWN = Audiences(
    map(
        canonical_host,
        [
            "Relay.Example.ORG.",
            "*.vault.example",
            "München.example",
            "192.0.2.1",
            "[2001:DB8::0:1]",
        ],
    )
)


@pytest.mark.parametrize(
    "audience",
    [
        "relay.example.org",
        "a.vault.example",
        "xn--mnchen-3ya.vault.example",
        "my_nas.vault.example",
        "xn--mnchen-3ya.example",
        "192.0.2.1",
        "2001:db8::1",
    ],
)
def test_a_relay_accepts_its_own_names(audience: str) -> None:
    assert OWN.accepts(audience)


@pytest.mark.parametrize(
    "audience",
    [
        "",
        ".",
        "org",
        "example.org",
        "relay.example.com",
        "relay.example.org.evil.example",
        "evilrelay.example.org",
        "a.relay.example.org",
        "relay.example.org:8080",
        "wss://relay.example.org",
        "192.0.2.2",
        "2001:db8::2",
    ],
)
def test_a_relay_refuses_the_names_of_others(audience: str) -> None:
    assert not OWN.accepts(audience)


@pytest.mark.parametrize(
    "audience",
    [
        "Relay.example.org",
        "RELAY.EXAMPLE.ORG",
        "relay.example.org.",
        "münchen.example",
        "XN--MNCHEN-3YA.example",
        "[2001:db8::1]",
        "2001:DB8::1",
        "2001:db8:0:0:0:0:0:1",
        "192.000.002.001",
        " relay.example.org",
        "relay.example.org ",
    ],
)
def test_an_audience_has_one_spelling_only(audience: str) -> None:
    """Devices sign the canonical one, so that no two parsers of names can disagree."""
    assert not OWN.accepts(audience)


@pytest.mark.parametrize(
    "audience",
    ["vault.example", "a.b.vault.example", "a.evilvault.example", "a.vault.example.org"],
)
def test_a_wildcard_stands_for_one_label(audience: str) -> None:
    assert not OWN.accepts(audience)


@pytest.mark.parametrize(
    "audience", [".vault.example", "*.vault.example", "A.vault.example", " .vault.example"]
)
def test_a_wildcard_stands_for_a_label_and_nothing_else(audience: str) -> None:
    assert not OWN.accepts(audience)


@pytest.mark.parametrize("address", ["192.0.2.1", "127.0.0.1"])
def test_a_wildcard_matches_no_address(address: str) -> None:
    assert not Audiences(["*." + address.partition(".")[2]]).accepts(address)


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("relay.example.org", "relay.example.org"),
        ("Relay.Example.ORG", "relay.example.org"),
        ("relay.example.org.", "relay.example.org"),
        ("localhost", "localhost"),
        ("my_nas.lan", "my_nas.lan"),
        ("_x-1.lan", "_x-1.lan"),
        ("r2--d2.example", "r2--d2.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("*.example.org", "*.example.org"),
        ("*.Example.ORG.", "*.example.org"),
        # Internationalized names (UTS 46, without its transitional mapping).
        ("München.example", "xn--mnchen-3ya.example"),
        ("MU\u0308NCHEN.example", "xn--mnchen-3ya.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("\uff52elay.example", "relay.example"),
        ("relay。bücher。example", "relay.xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        # Addresses (RFC 5952).
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[2001:DB8:0:0:0:0:0:1]", "2001:db8::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ],
)
def test_the_canonical_spelling_of_a_host(host: str, canonical: str) -> None:
    assert canonical_host(host) == canonical


@pytest.mark.parametrize("host", ["bücher.", "bücher。", "例え.テスト。"])
def test_the_canonical_spelling_has_no_trailing_dot(host: str) -> None:
    assert not canonical_host(host).endswith(".")


NO_HOST = [
    "",
    ".",
    "*",
    "*.",
    "*.*.example.org",
    "a.*.example.org",
    "x*.example.org",
    "**.example.org",
    ".example.org",
    "a..example.org",
    "a b.example.org",
    "relay.example.org\n",
    "relay.example.org\x00",
    "relay.example.org:8443",
    "relay.example.org/",
    "user@relay.example.org",
    "a" * 64 + ".example",
    "é" * 70 + ".example",
    "é..example",
    "é .example",
    "é_.example",
    "\ud800.example",
    "\u200b",
    "::1::",
    "1:2:3:4:5:6:7:8:9",
    "*.::1",
    "fe80::1\uff05eth0",
]


@pytest.mark.parametrize("host", NO_HOST, ids=ascii)
def test_what_is_neither_a_name_nor_an_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        canonical_host(host)


@pytest.mark.parametrize(
    "host", ["[::1", "::1]", "[::1x", "x::1]", "[192.0.2.1]", "[relay.example.org]"]
)
def test_brackets_are_for_ipv6_addresses_only(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        canonical_host(host)


@pytest.mark.parametrize("host", ["fe80::1%eth0", "[fe80::1%25eth0]", "fe80::1%é", "::1%a b/"])
def test_an_address_with_a_zone_is_refused(host: str) -> None:
    """A zone is one machine's own name for one of its links, and may be any text."""
    with pytest.raises(ValueError, match="names an interface of one machine"):
        canonical_host(host)


def test_two_trailing_dots_are_refused() -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        canonical_host("relay.example.org..")


def test_the_names_of_a_relay_are_kept_in_their_canonical_spelling() -> None:
    assert OWN.hosts == {
        "relay.example.org",
        "*.vault.example",
        "xn--mnchen-3ya.example",
        "192.0.2.1",
        "2001:db8::1",
    }


@FUZZ
@given(st.text(max_size=12) | st.text("aA1é*.。:[]%_- \u00ad", max_size=8))
def test_a_canonical_host_is_its_own_canonical_spelling(host: str) -> None:
    try:
        canonical = canonical_host(host)
    except ValueError:
        return
    assert canonical.isascii()
    assert canonical_host(canonical) == canonical


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://relay.example.org", "relay.example.org"),
        ("WSS://Relay.Example.ORG./", "relay.example.org"),
        ("ws://relay.example.org:8080/v3?x#y", "relay.example.org"),
        ("https://relay.example.org", "relay.example.org"),
        ("http://relay.example.org", "relay.example.org"),
        ("wss://any:secret@relay.example.org:443/", "relay.example.org"),
        ("wss://relay.example.org@evil.example/", "evil.example"),
        ("wss://my_nas.lan", "my_nas.lan"),
        ("wss://München.example:8443", "xn--mnchen-3ya.example"),
        ("wss://192.0.2.1:8443", "192.0.2.1"),
        ("wss://[2001:DB8:0::1]:8443/", "2001:db8::1"),
        ("Relay.Example.ORG", "relay.example.org"),
        ("::1", "::1"),
    ],
)
def test_the_host_of_a_public_url(url: str, host: str) -> None:
    assert host_of_url(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "://relay.example.org",
        "ftp://relay.example.org",
        "javascript://relay.example.org",
        "wss://",
        "wss:///v3",
        "wss://:8443",
        "wss://any:secret@",
        "wss://?relay.example.org",
    ],
)
def test_a_url_without_scheme_or_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL like wss://relay"):
        host_of_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "wss:relay.example.org",
        "//relay.example.org",
        "relay.example.org:8443",
        "relay.example.org/v3",
        "any:secret@relay.example.org",
        "wss://relay..example.org",
        "wss://a b",
        "wss://%72elay.example.org",
        "wss://[::1",
        "wss://::1]",
        "wss://[relay.example.org]",
        "wss://[192.0.2.1]",
        "wss://\u2100.example",
        "wss://*",
    ],
)
def test_a_url_whose_host_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        host_of_url(url)


@FUZZ
@given(st.text(max_size=12), st.sampled_from(["", "wss://", "https://", "wss://a@", "wss://["]))
def test_whatever_is_given_as_a_public_url_is_a_host_or_refused(text: str, before: str) -> None:
    try:
        host = host_of_url(before + text)
    except ValueError:
        return
    assert Audiences([host]).hosts == {host}


@pytest.mark.parametrize("host", ["::ffff:192.0.2.1", "[::FFFF:C000:201]"])
def test_a_mapped_address_has_the_spelling_of_rfc_5952(host: str) -> None:
    assert canonical_host(host) == "::ffff:192.0.2.1"


@pytest.mark.parametrize("url", ["wss://relay.example.org:0", "wss://*.example.org", "*.a.example"])
def test_a_public_url_is_one_that_can_be_dialled(url: str) -> None:
    with pytest.raises(ValueError, match=r"dial"):
        host_of_url(url)
