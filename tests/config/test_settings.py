"""Settings: what follows from the operator's choices."""

from pathlib import Path

import pytest

from tests.authority import Issued, issue, write_pair
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config.settings import Settings
from vaultrelay.policy.access import Tokens
from vaultrelay.policy.limits import defaults, session
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins


def pair_of(folder: Path, names: list[str]) -> ServerCertificate:
    issued: Issued = issue(names)
    return load_certificate(*write_pair(folder, issued))


def test_the_defaults_are_those_of_the_limits() -> None:
    settings = Settings()
    assert settings.port == defaults.DEFAULT_PORT == 8080
    assert settings.bind == "0.0.0.0"
    assert settings.max_connections == defaults.DEFAULT_MAX_CONNECTIONS
    assert settings.drain_seconds == defaults.DEFAULT_DRAIN_SECONDS
    assert settings.limits == session.SessionLimits()
    assert settings.log_level == "info"
    assert (settings.listen, settings.pairs, settings.certificates) == ((), ((),), ())


def test_a_relay_that_was_told_nothing_knows_no_name() -> None:
    assert Settings().own_hosts == frozenset()
    assert Settings().urls_to_show == ()


def test_own_hosts_are_those_of_the_public_urls() -> None:
    urls = ("wss://Relay.Example.org:8443/v3", "bücher.example", "ws://[2001:DB8::0:1]:8080")
    assert Settings(public_urls=urls).own_hosts == {
        "relay.example.org",
        "xn--bcher-kva.example",
        "2001:db8::1",
    }


def test_own_hosts_are_those_of_all_certificates_too(tmp_path: Path) -> None:
    names = ["relay.example.org", "*.example.org", "bücher.example", "192.0.2.1", "2001:db8::1"]
    certificates = (pair_of(tmp_path, names), pair_of(tmp_path, ["second.example"]))
    settings = Settings(pairs=(certificates,), public_urls=("wss://third.example",))
    assert settings.own_hosts == {
        "relay.example.org",
        "*.example.org",
        "xn--bcher-kva.example",
        "192.0.2.1",
        "2001:db8::1",
        "second.example",
        "third.example",
    }


@pytest.mark.parametrize("name", ["*", "My NAS", ".example.org", "a..b", "*.*.org", "http://x"])
def test_a_name_that_no_device_can_dial_is_left_out(tmp_path: Path, name: str) -> None:
    """Home-made certificates have all kinds of names, and serve under their good ones."""
    settings = Settings(pairs=((pair_of(tmp_path, ["relay.example.org", name]),),))
    assert settings.own_hosts == {"relay.example.org"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://relay.example.org", "wss://relay.example.org"),
        ("ws://relay.local:8080/", "ws://relay.local:8080/"),
        ("https://relay.example.org/v3", "wss://relay.example.org/v3"),
        ("http://relay.local:8080", "ws://relay.local:8080"),
        ("relay.example.org", "wss://relay.example.org"),
        ("HTTPS://relay.example.org", "wss://relay.example.org"),
        ("WSS://relay.example.org", "wss://relay.example.org"),
    ],
)
def test_public_urls_are_shown_as_one_enters_them(url: str, shown: str) -> None:
    assert Settings(public_urls=(url, url)).urls_to_show == (shown, shown)


def test_settings_are_described_without_a_secret() -> None:
    settings = Settings(
        public_urls=("wss://a.example", "wss://b.example"),
        node_name="relay-2",
        admin_nodes=(NodeUrl.read("http://10.0.0.2:9090"),),
        admin_hosts=("relay.lan",),
        tokens=Tokens([b"1", b"2"]),
        channels=frozenset([b"channel"]),
        allowed=Networks.read(["192.0.2.0/24", "unix"]),
        origins=Origins.read(["null", "https://b.example", "https://a.example"]),
        max_connections=5,
        trusted_proxies=("10.0.0.0/8", "unix"),
        message_bytes=2000,
        messages_per_second=30,
        bytes_per_second=4000,
        channel_devices=6,
        session_ttl=70,
        max_buffer=5_000_000,
        drain_seconds=8,
        log_level="debug",
    )
    assert settings.effective == {
        "public-url": "wss://a.example wss://b.example",
        "node-name": "relay-2",
        "access-token-file": "(2 tokens)",
        "allow-channels": "(1 channel)",
        "allow-from": "192.0.2.0/24 unix",
        "deny-from": "-",
        "allow-origin": "https://a.example https://b.example null",
        "max-connections": 5,
        "max-per-address": 64,
        "trusted-proxy": "10.0.0.0/8 unix",
        "ping-seconds": 50,
        "session-ttl": 70,
        "message-bytes": 2000,
        "rate-messages": 30,
        "rate-bytes": 4000,
        "channel-devices": 6,
        "max-buffer": 5_000_000,
        "drain-seconds": 8,
        "mailbox": "-",
        "mailbox-open": "no",
        "mailbox-retention": 604_800,
        "mailbox-item-bytes": 1948,
        "mailbox-channel-bytes": 10_485_760,
        "mailbox-channel-items": 10_000,
        "mailbox-bytes": 1 << 30,
        "mailbox-token-bytes": 107_374_182,
        "mailbox-address-bytes": 10_485_760,
        "mailbox-reserve": 64 << 20,
        "admin": "-",
        "admin-host": "relay.lan",
        "admin-node": "http://10.0.0.2:9090",
        "log-level": "debug",
        "log-format": "text",
        "log-addresses": "pseudonym",
    }
    effective = Settings().effective
    assert (effective["max-per-address"], effective["access-token-file"]) == (250, "-")


def test_what_differs_from_the_defaults_is_known() -> None:
    assert Settings().changed == {}
    assert Settings(memory=1 << 40, port=81).changed == {}
    assert Settings(open_files=256).changed == {"max-connections": 128, "max-per-address": 64}
    settings = Settings(session_ttl=7, max_buffer=1 << 30, node_name="a", allowed=Networks())
    assert settings.changed == {
        "allow-from": "nobody",
        "allow-origin": "none",
        "max-buffer": 1 << 30,
        "session-ttl": 7,
        "node-name": "a",
    }


def test_settings_do_not_show_their_key(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, ["relay.example.org"])
    shown = repr(Settings(pairs=((pair,),)))
    assert "relay.example.org" not in shown
    assert "PRIVATE" not in shown
    tokens = Settings(tokens=Tokens([b"1"]), channels=frozenset([b"channel"]))
    assert "tokens" not in repr(tokens)
    assert "channel'" not in repr(tokens)


@pytest.mark.parametrize(
    ("settings", "allow_from", "allow_origin"),
    [
        (Settings(), "-", "-"),
        (Settings(allowed=Networks()), "nobody", "none"),
        (Settings(allowed=Networks(), origins=Origins()), "nobody", "none"),
        (Settings(origins=Origins.read(["https://*"])), "-", "https://*"),
    ],
)
def test_an_empty_list_is_told_from_none(
    settings: Settings, allow_from: str, allow_origin: str
) -> None:
    told = settings.effective
    assert (told["allow-from"], told["allow-origin"]) == (allow_from, allow_origin)


MIB = 1 << 20


@pytest.mark.parametrize(
    ("memory", "message_bytes", "buffer_bytes"),
    [
        pytest.param(64_000_000, MIB, 8_000_000, id="an eighth"),
        pytest.param(512_000_000, MIB, 64_000_000, id="512 MB"),
        pytest.param(24_000_000_000, MIB, 256 * MIB, id="at most 256 MiB"),
        pytest.param(16_000_000, MIB, 4 * MIB, id="at least 4 MiB"),
        pytest.param(0, MIB, 4 * MIB, id="unknown memory"),
        pytest.param(0, 64 * 1024, 4 * MIB, id="small messages"),
        pytest.param(64_000_000, 4 * MIB, 16 * MIB, id="four large messages"),
        pytest.param(24_000_000_000, 64 * MIB, 256 * MIB, id="four of the largest"),
    ],
)
def test_the_memory_for_messages_follows_from_the_machine(
    memory: int, message_bytes: int, buffer_bytes: int
) -> None:
    settings = Settings(memory=memory, message_bytes=message_bytes)
    assert settings.buffer_bytes == buffer_bytes
    assert settings.effective["max-buffer"] == buffer_bytes


def test_an_operator_may_give_messages_more_memory() -> None:
    assert Settings(memory=24_000_000_000, max_buffer=1 << 32).buffer_bytes == 1 << 32
