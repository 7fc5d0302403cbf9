"""Spellings of byte strings and of host names."""

from vectors.common import AUDIENCE, Json, b64


def base64url_texts() -> Json:
    """Spellings of byte strings; a wrong one is refused wherever it stands."""
    raw = [b"", b"\x00", b"\xff", b"\xfb\xff", b"\x00\x10\x83", bytes(8), bytes(range(32))]
    return {
        "canonical": [{"hex": item.hex(), "text": b64(item)} for item in raw],
        "refused": [
            {"why": why, "bytes": size, "text": text}
            for why, size, text in (
                ("padding", 1, "AA=="),
                ("padding", 2, "AAA="),
                ("the alphabet of plain base64", 2, "+/8"),
                ("four spare bits are not zero", 1, "AB"),
                ("two spare bits are not zero", 2, "AAB"),
                ("a single character more than whole groups", 3, "AAAAA"),
                ("white space before", 3, " AAAA"),
                ("a line end after", 3, "AAAA\n"),
                ("white space within", 3, "AA AA"),
                ("a foreign character", 3, "AA.A"),
                ("a character beyond ASCII", 3, "AA\u00c4A"),
                ("too few bytes", 8, b64(bytes(7))),
                ("too many bytes", 8, b64(bytes(9))),
                ("nothing", 8, ""),
            )
        ],
    }


def audiences() -> Json:
    """Host names: how a device spells what it dialled, and which names mean a relay."""
    spelled = [
        ("wss://relay.example.org", AUDIENCE),
        ("wss://RELAY.Example.ORG:8443/v3", AUDIENCE),
        ("wss://relay.example.org.", AUDIENCE),
        ("wss://any:TOKEN@relay.example.org/", AUDIENCE),
        ("ws://nas:8080", "nas"),
        ("ws://my_nas.lan", "my_nas.lan"),
        ("wss://b\u00fccher.example", "xn--bcher-kva.example"),
        ("wss://B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("wss://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("wss://fa\u00df.example", "xn--fa-hia.example"),
        ("ws://192.0.2.7:8080", "192.0.2.7"),
        ("ws://[2001:DB8:0:0:1:0:0:1]:8080", "2001:db8::1:0:0:1"),
        ("ws://[2001:db8:0:1:0:0:0:2]", "2001:db8:0:1::2"),
        ("ws://[0:0:0:0:0:0:0:1]", "::1"),
    ]
    matched = [
        (["relay.example.org"], ["relay.example.org"], ["example.org", "relay.example.net"]),
        (
            ["relay.example.org"],
            [],
            [
                "RELAY.EXAMPLE.ORG",
                "relay.example.org.",
                "relay.example.org:443",
                " relay.example.org",
            ],
        ),
        (
            ["*.example.org"],
            ["relay.example.org", "other.example.org"],
            ["example.org", "a.relay.example.org", "relayexample.org"],
        ),
        (
            ["192.0.2.7", "2001:db8::1"],
            ["192.0.2.7", "2001:db8::1"],
            ["192.0.2.8", "2001:db8::0:1"],
        ),
        ([], ["relay.example.org", "anything.example"], []),
    ]
    mapped = ["::ffff:192.0.2.1", "::ffff:c000:201"]
    loopback = ["127.0.0.1"]
    disputed = [
        ("ws://[::ffff:192.0.2.1]:8080", mapped[0], mapped, False),
        ("ws://[::FFFF:C000:0201]", mapped[1], mapped, False),
        ("ws://127.1", loopback[0], loopback, True),
        ("ws://0x7f.0.0.1", loopback[0], loopback, True),
        ("ws://0177.0.0.1", loopback[0], loopback, True),
        ("ws://2130706433:8080", loopback[0], loopback, True),
        ("ws://127.0.0.1.", loopback[0], loopback, True),
    ]
    return {
        "dialled": [{"url": url, "audience": audience} for url, audience in spelled],
        "not_in_every_parser": [
            {"url": url, "name": name, "audiences": spellings, "may_be_refused": may_be_refused}
            for url, name, spellings, may_be_refused in disputed
        ],
        "no_host": [
            "wss://",
            "wss:relay.example.org",
            "wss://a..example",
            f"wss://{'a' * 64}.example",
            "ws://127.0.0.256",
            "ws://1.2.3.4.5",
            "ws://nas.08",
        ],
        "relays": [
            {"names": names, "accepts": accepts, "refuses": refuses}
            for names, accepts, refuses in matched
        ],
    }
