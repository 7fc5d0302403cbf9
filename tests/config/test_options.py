"""Options: where they come from, which wins, and what is said of those that cannot be."""

import re
from collections.abc import Callable, Iterator, Sized
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock
from twisted.python.usage import UsageError

from tests.authority import issue, write_pair
from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.memory_limit import memory_bytes
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.runtime_folder import runtime_folder
from vaultrelay.config.settings import OPTIONS, Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits import access, admin, memory
from vaultrelay.wire import base64url

CONFIG = "relay.toml"
LISTEN = ("tcp:1001", "tcp:1002", "tcp:1003")
URLS = ("wss://a.example", "wss://b.example", "wss://c.example")
NODES = ("http://10.0.0.2:9090", "https://[::1]:9091/relay/", "unix:/run/admin.sock")
PROXIES = ("127.0.0.1", "2001:db8::/32", "unix")
TOKENS = ("tokens1", "tokens2", "tokens3")
CHANNELS = ("channels1", "channels2", "channels3")


def _file_of(what: str, found: Sized | None) -> str:
    """Each file has as many lines as its name says."""
    return "" if found is None else f"{what}{len(found)}"


# By name: what the settings make of an option, its default, and three other values.
Reader = Callable[[Settings], object]
CASES: dict[str, tuple[Reader, str, tuple[str, str, str]]] = {
    "port": (lambda s: s.port, "8080", ("1001", "1002", "1003")),
    "bind": (lambda s: s.bind, "0.0.0.0", ("127.0.0.1", "::", "192.0.2.1")),
    "listen": (lambda s: " ".join(s.listen), "", LISTEN),
    "public-url": (lambda s: " ".join(s.public_urls), "", URLS),
    "node-name": (lambda s: s.node_name, "", ("a", "relay-2.example_x", "N" * 32)),
    "access-token-file": (lambda s: _file_of("tokens", s.access.tokens), "", TOKENS),
    "allow-channels": (lambda s: _file_of("channels", s.access.channels), "", CHANNELS),
    "allow-from": (lambda s: s.access.allowed or "", "", ("10.0.0.0/8", "192.0.2.1/32", "unix")),
    "deny-from": (lambda s: s.access.denied, "", ("10.0.0.0/8", "2001:db8::/32", "::1/128")),
    "allow-origin": (
        lambda s: s.access.origins or "",
        "",
        ("https://app.example", "https://b.example:8443", "null"),
    ),
    "max-connections": (lambda s: s.max_connections, "1000", ("11", "12", "13")),
    "max-per-address": (lambda s: s.capacity_per_address, "250", ("0", "12", "130")),
    "trusted-proxy": (lambda s: " ".join(s.trusted_proxies), "", PROXIES),
    "ping-seconds": (lambda s: s.limits.ping_seconds, "50", ("21", "22", "23")),
    "session-ttl": (lambda s: s.limits.session_ttl, "3600", ("11", "12", "13")),
    "message-bytes": (lambda s: s.limits.message_bytes, "1048576", ("2001", "2002", "2003")),
    "rate-messages": (lambda s: s.limits.messages_per_second, "2000", ("11", "12", "13")),
    "rate-bytes": (lambda s: s.limits.bytes_per_second, "16777216", ("11", "12", "13")),
    "channel-devices": (lambda s: s.limits.channel_devices, "64", ("11", "12", "13")),
    "max-buffer": (
        lambda s: s.buffer_bytes,
        str(Settings(memory=memory_bytes()).buffer_bytes),
        ("5000001", "5000002", "5000003"),
    ),
    "drain-seconds": (lambda s: s.drain_seconds, "20", ("11", "12", "13")),
    "mailbox-key": (lambda s: s.mailbox_key, "", ("/a/key", "b/key", "key")),
    "mailbox-retention": (lambda s: s.retention, "604800", ("3601", "3602", "3603")),
    "mailbox-item-bytes": (lambda s: s.item_bytes, "65536", ("2001", "2002", "2003")),
    "mailbox-channel-bytes": (lambda s: s.channel_bytes, "10485760", ("2001", "2002", "2003")),
    "mailbox-channel-items": (lambda s: s.channel_items, "10000", ("11", "12", "13")),
    "mailbox-bytes": (lambda s: s.total_bytes, "1073741824", ("2001", "2002", "2003")),
    "mailbox-token-bytes": (lambda s: s.payer_bytes, "107374182", ("2001", "2002", "2003")),
    "mailbox-address-bytes": (lambda s: s.address_bytes, "10485760", ("2001", "2002", "2003")),
    "mailbox-reserve": (lambda s: s.free_bytes, "67108864", ("0", "2002", "2003")),
    "runtime-folder": (
        lambda s: s.runtime_folder,
        runtime_folder("", {}),
        ("/run/one", "/run/two", "/run/three"),
    ),
    "admin": (lambda s: s.admin, "", ("tcp:1001", "tcp:1002:interface=127.0.0.1", "unix:/x")),
    "admin-host": (lambda s: " ".join(s.admin_hosts), "", ("relay.lan", "relay", "xn--caf-dma.fr")),
    "admin-node": (lambda s: " ".join(url.text for url in s.admin_nodes), "", NODES),
    "log-level": (lambda s: s.log_level, "info", ("error", "warn", "debug")),
    "log-format": (lambda s: s.log_format, "text", ("json", "text", "json")),
    "log-addresses": (lambda s: s.log_addresses, "pseudonym", ("none", "full", "pseudonym")),
}
RANGES = {
    "port": (0, 65535),
    "max-connections": (1, 1_000_000),
    "max-per-address": (0, 1_000_000),
    "ping-seconds": (20, 600),
    "session-ttl": (1, 2_592_000),
    "message-bytes": (1024, 67_108_864),
    "rate-messages": (0, 1_000_000_000),
    "rate-bytes": (0, 1_000_000_000_000),
    "channel-devices": (2, 1000),
    "max-buffer": (4_194_304, 1 << 40),
    "drain-seconds": (0, 3600),
    "mailbox-retention": (60, 31_536_000),
    "mailbox-item-bytes": (1024, 262_144),
    "mailbox-channel-bytes": (1024, 1_000_000_000_000),
    "mailbox-channel-items": (1, 1_000_000_000),
    "mailbox-bytes": (1, 1 << 44),
    "mailbox-token-bytes": (1, 1 << 44),
    "mailbox-address-bytes": (1, 1 << 44),
    "mailbox-reserve": (0, 1 << 44),
}
SWITCHES = [option.name for option in OPTIONS if option.is_switch]
OF_THEIR_OWN = {"tls-cert", "tls-key", "config", "mailbox", *SWITCHES}
"""Options that need others, or have no value: each has tests of its own."""
ORIGINS = ("flag", "variable", "file")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("options")


@pytest.fixture(autouse=True)
def folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in, with the files that options name."""
    monkeypatch.chdir(home)
    for count in (1, 2, 3):
        numbers = range(count)
        Path(f"tokens{count}").write_text("".join(f"access-token-{n:04}\n" for n in numbers))
        channels = [base64url.encode(bytes([n] * 32)) + "\n" for n in numbers]
        Path(f"channels{count}").write_text("".join(channels))
    yield home
    for path in home.iterdir():
        path.unlink()


class MemoryOptions(RelayOptions):
    """Reads endpoint strings for a reactor in memory."""

    def reactor(self) -> Any:
        return MemoryReactorClock()


def read(*flags: str, toml: str | bytes | None = None, **variables: str) -> Settings:
    """What command line, environment and file together give."""
    options = MemoryOptions()
    options.environment = variables
    if toml is not None:
        Path(CONFIG).write_bytes(toml if isinstance(toml, bytes) else toml.encode())
        flags = (*flags, f"--config={CONFIG}")
    options.parseOptions(list(flags))
    return options.settings


def refusal_of(*flags: str, toml: str | bytes | None = None, **variables: str) -> str:
    """The one line that an operator gets instead."""
    with pytest.raises(UsageError) as caught:
        read(*flags, toml=toml, **variables)
    said = str(caught.value)
    assert said.isprintable()
    return said


def variable_of(name: str) -> str:
    return "RELAY_" + name.upper().replace("-", "_")


def at(origin: str, *given: tuple[str, str]) -> tuple[list[str], str | None, dict[str, str]]:
    """Options by name and value as flags, as a file and as variables: one of the three is used."""
    flags = [f"--{name}={value}" for name, value in given]
    lines = [f"{name} = '{value}'" for name, value in given]
    variables = {variable_of(name): value for name, value in given}
    return (
        flags if origin == "flag" else [],
        "\n".join(lines) if origin == "file" else None,
        variables if origin == "variable" else {},
    )


def read_at(origin: str, *given: tuple[str, str]) -> Settings:
    flags, toml, variables = at(origin, *given)
    return read(*flags, toml=toml, **variables)


def refusal_at(origin: str, *given: tuple[str, str]) -> str:
    flags, toml, variables = at(origin, *given)
    return refusal_of(*flags, toml=toml, **variables)


def named(origin: str, name: str) -> str:
    """How an error names an option of that origin."""
    return {"flag": f"--{name}", "variable": variable_of(name), "file": f"{CONFIG}: {name}"}[origin]


def test_every_option_has_its_case() -> None:
    assert {option.name for option in OPTIONS} == {*CASES, *OF_THEIR_OWN}


@pytest.mark.parametrize("name", CASES)
def test_an_option_comes_from_flag_variable_file_or_default_in_this_order(name: str) -> None:
    reader, default, (flag, variable, filed) = CASES[name]
    flags = [f"--{name}", flag]
    toml = f"{name} = '{filed}'"
    variables = {variable_of(name): variable}
    assert str(reader(read())) == default
    assert str(reader(read(toml=toml))) == filed
    assert str(reader(read(**variables))) == variable
    assert str(reader(read(toml=toml, **variables))) == variable
    assert str(reader(read(*flags, toml=toml))) == flag
    assert str(reader(read(*flags, **variables))) == flag
    assert str(reader(read(*flags, toml=toml, **variables))) == flag


@pytest.mark.parametrize("name", CASES)
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    reader, default, (filed, *_) = CASES[name]
    empty = {variable_of(name): ""}
    assert str(reader(read(**empty))) == default
    assert str(reader(read(toml=f"{name} = '{filed}'", **empty))) == filed


@pytest.mark.parametrize("name", ["listen", "public-url"])
def test_a_variable_of_blanks_counts_as_unset_too(name: str) -> None:
    reader, _, (filed, *_) = CASES[name]
    blank = {variable_of(name): " \t "}
    assert str(reader(read(toml=f"{name} = '{filed}'", **blank))) == filed


def test_a_blank_listen_variable_excludes_nothing() -> None:
    assert read("--port=81", RELAY_LISTEN=" ").port == 81


@pytest.mark.parametrize("name", RANGES)
def test_numbers_may_be_numbers_in_the_file(name: str) -> None:
    reader, _, (filed, *_) = CASES[name]
    assert str(reader(read(toml=f"{name} = {filed}"))) == filed


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_both_ends_of_a_range_are_allowed(origin: str, name: str) -> None:
    for end in RANGES[name]:
        assert CASES[name][0](read_at(origin, (name, str(end)))) == end


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_number_out_of_its_range_is_refused_with_the_range(origin: str, name: str) -> None:
    lowest, highest = RANGES[name]
    for value in (lowest - 1, highest + 1):
        assert refusal_at(origin, (name, str(value))) == (
            f"{named(origin, name)}: '{value}' must be a whole number from {lowest} to {highest}"
        )


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize(
    "value", ["x", "1.5", "1e3", "0x10", "+5", "1_000", "1,000", "5 MB", "٣", "²", "9" * 5000]
)
def test_what_is_no_whole_number_is_refused(name: str, value: str) -> None:
    lowest, highest = RANGES[name]
    assert refusal_of(f"--{name}={value}").startswith(
        f"--{name}: '{value}' must be a whole number from {lowest} to {highest}"
    )


@pytest.mark.parametrize("name", ["a" * 33, "two words", "ä", "a/b", "a\n", "<b>", "a\x1b[1m"])
def test_a_node_has_a_short_and_plain_name(name: str) -> None:
    assert "must be at most 32 characters from A-Z a-z 0-9 . _ -, such as relay-2" in refusal_of(
        "--node-name", name
    )


def test_a_flag_takes_the_nodes_name_away() -> None:
    assert read("--node-name=", RELAY_NODE_NAME="relay-2").node_name == ""


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.2:9090",
        "ftp://a",
        "http://",
        "http://me:secret@a",
        "http://a:99999",
        "http://ä",
        "http://a\n",
        "unix:",
        "unix:/a\x1b",
    ],
)
def test_a_node_is_named_by_the_url_of_its_admin_endpoint(url: str) -> None:
    assert "must be a URL such as http://10.0.0.2:9090, or unix:/run/admin.sock" in refusal_of(
        "--admin-node=http://a", "--admin-node", url
    )


def test_there_is_a_most_of_nodes_and_none_counts_twice() -> None:
    urls = [f"--admin-node=http://node{number}" for number in range(admin.MAX_NODES)]
    assert len(read(*urls).admin_nodes) == admin.MAX_NODES
    assert refusal_of(*urls, "--admin-node=http://more") == "--admin-node: more than 64 relays"
    assert len(read(*urls[:2], *urls[1:2]).admin_nodes) == 2


def test_blanks_around_a_number_do_no_harm() -> None:
    assert read("--port= 81 ", RELAY_DRAIN_SECONDS="7\n").port == 81


def test_the_last_of_repeated_flags_counts() -> None:
    assert read("--port=81", "--port", "82").port == 82


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_bind_is_an_address(address: str, taken: str) -> None:
    assert read(f"--bind={address}").bind == taken


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    "address", ["localhost", "eth0", "*", "127.0.0.1:80", "1.2.3", "192.0.2.0/24"]
)
def test_what_is_no_address_is_refused(origin: str, address: str) -> None:
    assert refusal_at(origin, ("bind", address)).startswith(
        f"{named(origin, 'bind')}: '{address}' must be an IP address of this machine, "
        "or 0.0.0.0 or :: for all of them"
    )


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("level", ["INFO", "warning", "verbose", "0"])
def test_another_log_level_is_refused_with_those_there_are(origin: str, level: str) -> None:
    assert refusal_at(origin, ("log-level", level)) == (
        f"{named(origin, 'log-level')}: '{level}' must be one of error, warn, info, debug"
    )


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("log-format", "JSON", "text, json"), ("log-addresses", "hash", "none, pseudonym, full")],
)
def test_another_kind_of_log_is_refused_with_those_there_are(
    origin: str, name: str, value: str, allowed: str
) -> None:
    assert refusal_at(origin, (name, value)) == (
        f"{named(origin, name)}: '{value}' must be one of {allowed}"
    )


@pytest.mark.parametrize("name", [each.name for each in OPTIONS if not each.is_switch])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_flag_is_refused(name: str, value: str) -> None:
    if name in ("node-name", "runtime-folder"):
        pytest.skip("takes back what a variable says")
    assert refusal_of(f"--{name}={value}") == (
        f"--{name}: the value is empty; set one, or remove the option"
    )


@pytest.mark.parametrize("name", ["listen", "public-url", "trusted-proxy"])
def test_a_repeatable_option_is_a_flag_again_a_variable_of_words_or_a_list(name: str) -> None:
    reader, _, values = CASES[name]
    expected = " ".join(values)
    assert reader(read(*(f"--{name}={value}" for value in values))) == expected
    assert reader(read(**{variable_of(name): "  {}\t{}\n{} ".format(*values)})) == expected
    assert reader(read(toml=f"{name} = {list(values)}")) == expected
    assert reader(read(toml=f"{name} = []")) == ""


@pytest.mark.parametrize(
    ("connections", "places"), [(1, 64), (256, 64), (260, 65), (1000, 250), (100_000, 25_000)]
)
def test_an_address_has_a_quarter_of_the_places_if_nobody_says_otherwise(
    connections: int, places: int
) -> None:
    assert read(f"--max-connections={connections}").capacity_per_address == places
    assert read(f"--max-connections={connections}", "--max-per-address=3").capacity_per_address == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("proxy.example", "is not an address, a network such as 10.0.0.0/8, or unix"),
        ("127.0.0.1:80", "is not an address, a network such as 10.0.0.0/8, or unix"),
        (
            "10.1.2.3/8",
            "is an address and a network in one; write 10.0.0.0/8, or just the address",
        ),
        ("0.0.0.0/0", "includes every address, so any client could forge X-Forwarded-For"),
        ("::/0", "includes every address, so any client could forge X-Forwarded-For"),
    ],
)
def test_what_is_no_proxy_is_refused_with_a_reason(text: str, why: str) -> None:
    said = refusal_of("--trusted-proxy=unix", f"--trusted-proxy={text}")
    assert said.startswith(f"--trusted-proxy: '{text}' {why}")
    said = refusal_of(RELAY_TRUSTED_PROXY=f"127.0.0.1 {text}")
    assert said.startswith(f"RELAY_TRUSTED_PROXY: '{text}' {why}")


def test_repeated_values_of_one_origin_replace_those_of_another() -> None:
    first, second, third = URLS
    settings = read(f"--public-url={first}", RELAY_PUBLIC_URL=second, toml=f"public-url='{third}'")
    assert settings.public_urls == (first,)


@pytest.mark.parametrize(
    "url",
    [
        "wss://relay.example.org",
        "ws://relay.local:8080/v3",
        "https://[2001:db8::1]:8443/",
        "relay.example.org",
        "wss://bücher.example",
        "WSS://RELAY.EXAMPLE.ORG",
    ],
)
def test_public_urls_are_taken_as_they_are_written(url: str) -> None:
    assert read(f"--public-url={url}").public_urls == (url,)


BAD_URLS = [
    "ftp://relay.example.org",
    "wss://",
    "wss:relay.example.org",
    "//relay.example.org",
    "relay.example.org:8080",
    "wss://a..b",
    "wss://[::1",
    "wss://relay.example.org:99999",
    "wss://relay.example.org:port",
]


@pytest.mark.parametrize("url", BAD_URLS)
@pytest.mark.parametrize("origin", ["flag", "file"])
def test_what_is_no_url_is_refused_with_an_example(origin: str, url: str) -> None:
    assert refusal_at(origin, ("public-url", url)).startswith(
        f"{named(origin, 'public-url')}: '{url}' is not a valid public URL: "
    )


@pytest.mark.parametrize("character", ["\n", "\t", "\r", "\x00", "\x1b", "\x7f"])
def test_a_url_with_a_control_byte_is_refused(character: str) -> None:
    assert "is not a valid public URL" in refusal_of(
        f"--public-url=wss://relay{character}.example.org"
    )


def test_of_several_urls_the_bad_one_is_named() -> None:
    said = refusal_of(RELAY_PUBLIC_URL="wss://a.example ftp://b.example wss://c.example")
    assert said.startswith("RELAY_PUBLIC_URL: 'ftp://b.example' is not a valid public URL: ")


@pytest.mark.parametrize("other", ["port", "bind", "tls-cert", "tls-key"])
@pytest.mark.parametrize("other_origin", ORIGINS)
@pytest.mark.parametrize("origin", ORIGINS)
def test_listen_excludes_what_an_endpoint_string_says_itself(
    origin: str, other_origin: str, other: str
) -> None:
    value = {"bind": "::"}.get(other, "80")
    flags, toml, variables = at(origin, ("listen", "tcp:80"))
    other_flags, other_toml, other_variables = at(other_origin, (other, value))
    said = refusal_of(
        *flags,
        *other_flags,
        toml=f"{toml or ''}\n{other_toml or ''}",
        **variables,
        **other_variables,
    )
    assert said == (
        f"{named(origin, 'listen')} and {named(other_origin, other)} cannot be combined: the "
        "endpoint string already sets address, port and certificate; remove one of the two"
    )


@pytest.mark.parametrize("origin", ["flag", "file"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tcp:99999", "needs a port from 0 to 65535"),
        ("ssl:443:sslmethod=x", "sets sslmethod, but the relay uses TLS 1.2 and 1.3; remove it"),
        (
            "tls:missing",
            "names the folder missing, which cannot be read: no such file or directory",
        ),
        (
            "ssl:443:privateKey=x.pem",
            "names certKey=x.pem, which cannot be read: no such file or directory",
        ),
    ],
)
def test_a_bad_endpoint_string_is_named_with_its_origin(origin: str, text: str, said: str) -> None:
    assert refusal_at(origin, ("listen", text)) == f"{named(origin, 'listen')}: '{text}' {said}"


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    "text", ["8080", "carrier-pigeon:80", "tcp:80:colour=red", "tcp:80\\", "a=b"]
)
def test_what_is_no_endpoint_string_is_refused_with_its_origin(origin: str, text: str) -> None:
    said = refusal_at(origin, ("listen", text))
    assert said.startswith(f"{named(origin, 'listen')}: '{text}' ")


@pytest.mark.parametrize(
    "text", ["ssl:443:privateKey=locked.pem", "haproxy:ssl:443:privateKey=locked.pem"]
)
def test_an_endpoint_string_with_bad_files_is_refused_before_it_is_tried(
    folder: Path, text: str
) -> None:
    """OpenSSL would ask for the password of an encrypted key, and wait for somebody to type it."""
    issued = issue()
    (folder / "locked.pem").write_bytes(issued.pem + issued.encrypted_key_pem(b"secret"))
    tried: list[str] = []
    with pytest.raises(BadOption, match="is encrypted"):
        SettingsReader({"listen": [text]}, {}, tried.append).read()
    assert not tried


def test_of_several_endpoint_strings_the_bad_one_is_named() -> None:
    said = refusal_of("--listen=tcp:80", "--listen=tcp:99999", "--listen=tcp:81")
    assert said == "--listen: 'tcp:99999' needs a port from 0 to 65535"


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_certificates_of_endpoint_strings_are_known(folder: Path, origin: str) -> None:
    issued = issue(["a.example"])
    (folder / "both.pem").write_bytes(issued.pem + issued.key_pem)
    settings = read_at(origin, ("listen", "ssl:443:privateKey=both.pem"))
    assert settings.own_hosts == {"a.example"}
    assert [pair.names for pair in settings.pairs[0]] == [("a.example",)]
    assert settings.listen == ("ssl:443:privateKey=both.pem",)


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_certificate_is_read_with_its_key(folder: Path, origin: str) -> None:
    certificate, key = write_pair(folder, issue(["a.example"]))
    settings = read_at(origin, ("tls-cert", str(certificate)), ("tls-key", str(key)))
    assert settings.pairs == ((settings.certificates[0],),)
    assert settings.certificates[0].files == (certificate, key)
    assert settings.own_hosts == {"a.example"}


def test_certificate_and_key_may_come_from_different_places(folder: Path) -> None:
    certificate, key = write_pair(folder, issue())
    assert read(f"--tls-cert={certificate}", RELAY_TLS_KEY=str(key)).certificates


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("present", "missing"), [("tls-cert", "tls-key"), ("tls-key", "tls-cert")])
def test_a_certificate_needs_its_key_and_the_other_way_round(
    origin: str, present: str, missing: str
) -> None:
    assert refusal_at(origin, (present, "x.pem")) == (
        f"{named(origin, present)}: 'x.pem' requires {named(origin, missing)}: "
        "TLS needs a certificate and its key"
    )


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_bad_certificate_or_key_is_named_by_its_own_option(folder: Path, origin: str) -> None:
    write_pair(folder, issue())
    (folder / "other.pem").write_bytes(issue().key_pem)
    (folder / "garbage.pem").write_text("garbage")
    (folder / "locked.pem").write_bytes(issue().encrypted_key_pem(b"secret"))

    def said(certificate: str, key: str) -> str:
        return refusal_at(origin, ("tls-cert", certificate), ("tls-key", key))

    cert, key = named(origin, "tls-cert"), named(origin, "tls-key")
    missing = "cannot be read: no such file or directory"
    assert said("x.pem", "privkey.pem") == f"{cert}: 'x.pem' {missing}"
    assert said("fullchain.pem", "x.pem") == f"{key}: 'x.pem' {missing}"
    assert said("x.pem", "x.pem") == f"{cert}: 'x.pem' {missing}"
    assert said("garbage.pem", "privkey.pem").startswith(f"{cert}: 'garbage.pem' has no readable ")
    assert said("fullchain.pem", "garbage.pem").startswith(f"{key}: 'garbage.pem' has no readable ")
    assert said("privkey.pem", "fullchain.pem").startswith(
        f"{cert}: 'privkey.pem' contains a private"
    )
    assert said("fullchain.pem", "other.pem").startswith(f"{key}: 'other.pem' does not match the ")
    assert said("fullchain.pem", "locked.pem").startswith(f"{key}: 'locked.pem' is encrypted, and ")


def test_a_mistake_in_a_reload_is_over_with_the_next(folder: Path) -> None:
    certificate, key = write_pair(folder, issue(["a.example"]))
    text = f"tls-cert = '{certificate}'\ntls-key = '{key}'\n"
    (folder / CONFIG).write_text(text)
    reader = SettingsReader({"config": [CONFIG]}, {})
    before = reader.read()
    (folder / CONFIG).write_text(f"tls-cert = ''\ntls-key = '{key}'\n")
    kept, errors = reader.read_all(before)
    assert kept == before
    assert errors == [f"{CONFIG}: tls-cert: the value is empty; set one, or remove the option"]
    (folder / CONFIG).write_text(text)
    write_pair(folder, issue(["b.example"]))
    after, errors = reader.read_all(kept)
    assert errors == []
    assert after.own_hosts == {"b.example"}


def test_each_bad_limit_keeps_its_own_value_in_a_reload(folder: Path) -> None:
    (folder / CONFIG).write_text("session-ttl = 7\nrate-messages = 8\n")
    reader = SettingsReader({"config": [CONFIG]}, {})
    before = reader.read()
    (folder / CONFIG).write_text("session-ttl = 0\nrate-messages = 9\nping-seconds = 1\n")
    after, errors = reader.read_all(before)
    assert (after.session_ttl, after.messages_per_second, after.ping_seconds) == (7, 9, 50)
    assert [error.partition(": '")[0] for error in errors] == [
        f"{CONFIG}: ping-seconds",
        f"{CONFIG}: session-ttl",
    ]


def test_the_file_may_be_named_by_flag_or_variable(folder: Path) -> None:
    (folder / "a.toml").write_text("port = 81")
    (folder / "b.toml").write_text("port = 82\nbind = '::'")
    assert read("--config=a.toml").port == 81
    assert read(RELAY_CONFIG="b.toml").port == 82
    settings = read("--config=a.toml", RELAY_CONFIG="b.toml")
    assert (settings.port, settings.bind) == (81, "0.0.0.0")


def test_an_empty_file_changes_nothing() -> None:
    assert replace(read(toml="# nothing yet\n"), config="") == read()


@pytest.mark.parametrize("origin", ["flag", "variable"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing.toml", "cannot be read: no such file or directory"),
        (".", "cannot be read: is a directory"),
        ("empty.toml/x", "cannot be read: not a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, origin: str, path: str, said: str
) -> None:
    (folder / "empty.toml").write_text("")
    assert refusal_at(origin, ("config", path)) == f"{named(origin, 'config')}: '{path}' {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"port: 80\n",
            "is not valid TOML: Expected '=' after a key in a key/value pair (at line 1",
        ),
        (b"\n\nport = \n", "is not valid TOML: Invalid value (at line 3"),
        (b"port = 1\nport = 2\n", "is not valid TOML: Cannot overwrite a value (at line 2"),
        (b"[port", "is not valid TOML: "),
        (b"\x1b[31m = 1", "is not valid TOML: "),
        (b"\xff\xfep\x00", "is not UTF-8 text"),
        ("# für".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_toml_says_where(content: bytes, said: str) -> None:
    assert refusal_of(toml=content).startswith(f"--config: '{CONFIG}' {said}")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("prot", "; did you mean port?"),
        ("max_connections", "; did you mean max-connections?"),
        ("public_url", "; did you mean public-url?"),
        ("tls_cert", "; did you mean tls-cert?"),
        ("loglevel", "; did you mean log-level?"),
        ("relay", ""),
        ("config", ""),
    ],
)
def test_an_unknown_key_is_refused_with_the_likeliest_one(key: str, hint: str) -> None:
    said = refusal_of(toml=f"{key} = 1")
    assert said == f"{CONFIG}: {key}: unknown option{hint}"


def test_a_key_with_control_bytes_is_escaped() -> None:
    assert refusal_of(toml='"a\\u001b[31m\\nb" = 1') == (rf"{CONFIG}: a\x1b[31m\nb: unknown option")


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "1.5",
        "nan",
        "1979-05-27",
        "07:32:00",
        "{ a = 1 }",
        "[1]",
        "[]",
        "['80']",
    ],
)
@pytest.mark.parametrize("name", ["port", "bind", "tls-cert", "log-level"])
def test_a_value_of_another_kind_is_refused(name: str, value: str) -> None:
    said = refusal_of(toml=f"{name} = {value}")
    assert said.startswith(f"{CONFIG}: {name}: ")
    assert said.endswith(" must be a string or an integer")


@pytest.mark.parametrize(
    "value", ["true", "1.5", "[1.5]", "['tcp:80', false]", "[['tcp:80']]", "{ }"]
)
@pytest.mark.parametrize("name", ["listen", "public-url"])
def test_a_list_of_other_things_is_refused(name: str, value: str) -> None:
    said = refusal_of(toml=f"{name} = {value}")
    assert said.startswith(f"{CONFIG}: {name}: ")
    assert " must be a string" in said


def test_a_table_is_refused() -> None:
    said = refusal_of(toml="[port]\nnumber = 80\n")
    assert said.startswith(f"{CONFIG}: port: ")


@pytest.mark.parametrize(
    "content",
    [
        f"port = {'9' * 5000}",
        f"port = 0x{'f' * 5000}",
        f"listen = {'[' * 5000}",
        'config = "a\\u0000b"',
        'tls-cert = "a\\u0000b"\ntls-key = "a\\u0000b"',
        'tls-cert = "fullchain.pem"\ntls-key = "a\\u0000b"',
    ],
    ids=["long number", "long hex", "deep", "config", "both files", "key"],
)
def test_a_file_that_nobody_writes_is_refused_all_the_same(folder: Path, content: str) -> None:
    write_pair(folder, issue())
    assert refusal_of(toml=content)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", ["port", "bind", "log-level", "max-connections"])
def test_control_bytes_in_a_value_are_escaped(origin: str, name: str) -> None:
    value = "a\x1b[31m\x07\x9b\u202e"
    said = refusal_at(origin, (name, value) if origin != "file" else (name, "a"))
    assert said.startswith(f"{named(origin, name)}: 'a")
    if origin != "file":
        assert all(code in said for code in (r"\x1b[31m", r"\x07", r"\x9b", r"\u202e"))


@pytest.mark.parametrize("origin", ["flag", "variable"])
@pytest.mark.parametrize(
    "text",
    ["ssl:443:privateKey={}", "ssl:443:certKey={}", "tls:{}", "{}:80", "tcp:{}", "tcp:80:{}=1"],
)
def test_control_bytes_in_an_endpoint_string_are_escaped(origin: str, text: str) -> None:
    said = refusal_at(origin, ("listen", text.format("a\x1b[31m\x07b")))
    assert said.startswith(f"{named(origin, 'listen')}: ")


@pytest.mark.parametrize("name", ["port", "bind"])
def test_control_bytes_in_a_value_of_the_file_are_escaped(name: str) -> None:
    said = refusal_of(toml=f'{name} = "a\\u001b[31m\\nb"')
    assert r"\x1b[31m" in said
    assert said.startswith(f"{CONFIG}: {name}: 'a")


@pytest.mark.parametrize("content", ["port = 'x'", "port = true", "prot = 1", "port ="])
def test_control_bytes_in_the_name_of_the_file_are_escaped(folder: Path, content: str) -> None:
    name = "a\x1b[31m\nb.toml"
    (folder / name).write_text(content)
    assert r"a\x1b[31m\nb.toml" in refusal_of(f"--config={name}").replace("\\\\", "\\")


def test_a_flag_without_its_value_is_refused() -> None:
    assert refusal_of("--port") == "option --port requires a value; see vault-relay --help"


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--prot=80", "; did you mean --port? See"),
        ("--session-tll", "; did you mean --session-ttl? See"),
        ("--versoin", "; did you mean --version? See"),
        ("--quite-another", "; see"),
        ("-p", "; see"),
    ],
)
def test_an_unknown_flag_is_refused_with_the_likeliest_one(flag: str, hint: str) -> None:
    name = flag.partition("=")[0]
    assert refusal_of(flag) == f"option {name} not recognized{hint} vault-relay --help"


def test_a_flag_may_be_shortened_if_it_is_clear() -> None:
    assert read("--sess=7").session_ttl == 7
    assert refusal_of("--log=7") == "option --log not a unique prefix; see vault-relay --help"


def test_an_unknown_flag_with_control_bytes_is_escaped() -> None:
    assert "\x1b" not in refusal_of("--a\x1b[31m\nb")


@pytest.mark.parametrize("argument", ["8080", "start", "a\x1b[31m\nb"])
def test_an_argument_that_is_no_flag_is_refused(argument: str) -> None:
    said = refusal_of(argument, "--port=80")
    assert said.startswith("unexpected argument '")
    assert said.endswith("'; see vault-relay --help")


CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(st.one_of(CHARACTERS, st.just("\udcff")), max_size=20)
"""What a command line can hold: anything but NUL, and bytes that are not UTF-8."""


@given(
    st.sampled_from([each.name for each in OPTIONS if not each.is_switch]),
    TEXTS,
    st.sampled_from(ORIGINS[:2]),
)
@example("listen", "tcp:80\\", "flag")
@example("listen", "a=b", "variable")
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_value_gives_settings_or_one_line(
    folder: Path, name: str, value: str, origin: str
) -> None:
    flags, _, variables = at(origin, (name, value))
    try:
        read(*flags, **variables)
    except UsageError as error:
        assert str(error).startswith(f"{named(origin, name)}: ")  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017


@given(st.one_of(st.binary(max_size=30), st.text(max_size=30).map(str.encode)))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_file_gives_settings_or_one_line(folder: Path, content: bytes) -> None:
    try:
        read(toml=content)
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017


def test_settings_can_be_read_without_a_command_line() -> None:
    settings = SettingsReader(
        {"port": ["81", "82"], "public-url": []}, {"RELAY_BIND": "::1"}
    ).read()
    assert (settings.port, settings.bind, settings.public_urls) == (82, "::1", ())
    with pytest.raises(BadOption, match=r"^RELAY_BIND: "):
        SettingsReader({}, {"RELAY_BIND": "x"}).read()


def test_options_take_no_variables_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_PORT", "81")
    options = RelayOptions()
    options.parseOptions([])
    assert options.settings.port == 8080


def test_two_option_objects_share_no_flags() -> None:
    assert read("--public-url=wss://a.example").public_urls == ("wss://a.example",)
    assert read().public_urls == ()


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_printed(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read(flag)
    assert not caught.value.code
    assert capsys.readouterr().out.rstrip() == str(RelayOptions()).rstrip()


def help_text() -> str:
    return str(RelayOptions())


def test_help_has_no_line_over_80_columns() -> None:
    assert max(len(line) for line in help_text().splitlines()) <= 80
    assert not re.search(r"[ \t]$", help_text(), re.MULTILINE)


def test_help_names_every_option_with_its_value_and_default() -> None:
    text = help_text()
    entries = re.split(r"\n(?=  -|\n|\w)", text)
    by_flag = {entry.split()[0]: " ".join(entry.split()) for entry in entries if entry.strip()}
    for option in OPTIONS:
        entry = by_flag[f"--{option.name}"]
        assert entry.startswith(f"{option.flag} {option.help[:10]}")
        assert (f"Default: {option.default}." in entry) is bool(option.default)
    assert {"-V,", "-h,"} < set(by_flag)


def test_help_breaks_no_word() -> None:
    known = {f"--{option.name}" for option in OPTIONS} | {"--version", "--help"}
    text = help_text()
    assert set(re.findall(r"--[a-z-]*", text)) <= known | {"--json"}
    assert not re.search(r"\w-$", text, re.MULTILINE)


def test_help_keeps_texts_apart_from_their_options() -> None:
    starts = [line for line in help_text().splitlines() if line.startswith("  --")]
    assert len(starts) == len(OPTIONS)
    # A flag that leaves no room has its text on the next line.
    assert all(re.match(r"  --[a-z-]+( [A-Z]+)?( {2,}\S|$)", line) for line in starts)


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_token_in_a_public_url_is_refused_and_not_repeated(origin: str) -> None:
    said = refusal_at(origin, ("public-url", "wss://any:s3cret@relay.example.org"))
    assert said.startswith(f"{named(origin, 'public-url')}: ")
    assert "s3cret" not in said


def test_a_variable_that_is_no_option_is_remembered_for_a_warning() -> None:
    settings = read(RELAY_PROT="99", RELAY_PORT="98", RELAYED="97", RELAY_NATIVE="0")
    assert (settings.port, settings.unknown_variables) == (98, ("RELAY_PROT",))


def test_what_kubernetes_sets_for_its_services_is_ignored_and_remembered() -> None:
    links = {
        "RELAY_PORT": "tcp://10.96.12.7:8080",
        "RELAY_SERVICE_HOST": "10.96.12.7",
        "RELAY_ADMIN_PORT_9090_TCP": "tcp://10.96.12.8:9090",
    }
    settings = read(**links, RELAY_LOG_LEVEL="warn")
    assert (settings.port, settings.log_level) == (8080, "warn")
    assert settings.unknown_variables == ()
    assert settings.service_links == tuple(sorted(links))
    assert read("--port=81", **links).port == 81


def test_the_buffer_holds_some_of_the_largest_messages() -> None:
    minimum = memory.MIN_MESSAGES_HELD * 2_000_000
    assert read("--message-bytes=2000000", f"--max-buffer={minimum}").buffer_bytes == minimum
    said = refusal_of("--message-bytes=2000000", f"--max-buffer={minimum - 1}")
    assert str(minimum) in said
    largest = "67108864"
    assert read(f"--message-bytes={largest}").buffer_bytes >= memory.MIN_MESSAGES_HELD * int(
        largest
    )


def test_an_empty_list_of_who_may_come_is_no_invitation() -> None:
    assert refusal_of(toml="allow-from = []") == (
        f"{CONFIG}: allow-from: the list is empty, so no device could connect; "
        "remove it to allow all"
    )
    assert not read(toml="deny-from = []").access.denied


def test_networks_are_not_without_end() -> None:
    many = ", ".join(f"'10.{n // 256}.{n % 256}.0/24'" for n in range(access.MAX_NETWORKS + 1))
    assert (
        refusal_of(toml=f"deny-from = [{many}]") == f"{CONFIG}: deny-from: more than 1000 networks"
    )


@pytest.mark.parametrize(
    ("toml", "shown"),
    [
        ("", "-"),
        ("deny-from = '10.0.0.0/8'", "-"),
        ("allow-from = 'unix'", "none"),
        ("allow-origin = []", "none"),
        ("allow-from = 'unix'\nallow-origin = []", "none"),
        ("allow-from = 'unix'\nallow-origin = 'https://A.example:443'", "https://a.example"),
        ("allow-origin = ['null', 'https://*']", "https://* null"),
    ],
)
def test_web_pages_are_kept_out_where_addresses_are(toml: str, shown: str) -> None:
    assert read(toml=toml).effective["allow-origin"] == shown


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", ["relay:9090", "*.lan", "http://relay.lan", "a_b/c", "fe80::1%1"])
def test_a_name_of_the_admin_endpoint_is_a_name_alone(origin: str, name: str) -> None:
    said = refusal_at(origin, ("admin-host", name))
    assert said.startswith(f"{named(origin, 'admin-host')}: '{name}' ")
    assert said.endswith("; set a name without a port, such as relay.lan")


def test_names_of_the_admin_endpoint_are_canonical_and_not_without_end() -> None:
    flags = [f"--admin-host={name}" for name in ("Relay.LAN.", "relay.lan", "caf\u00e9.fr")]
    assert read(*flags).admin_hosts == ("relay.lan", "xn--caf-dma.fr")
    many = [f"--admin-host=a{number}" for number in range(admin.MAX_NODES + 1)]
    assert refusal_of(*many) == f"--admin-host: more than {admin.MAX_NODES} names"


def test_origins_are_not_without_end() -> None:
    many = [f"--allow-origin=https://a{number}.example" for number in range(1001)]
    assert refusal_of(*many) == "--allow-origin: more than 1000 origins"


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("content", ["", "\n\n", "# none\n", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "access-token-file",
            "contains no token, so no device could connect. Create one: vault-relay ",
        ),
        ("allow-channels", "contains no channel, so no device could join"),
    ],
)
def test_a_list_that_is_empty_at_the_start_is_a_mistake(
    folder: Path, origin: str, content: str, name: str, said: str
) -> None:
    (folder / "list").write_text(content)
    refused = refusal_at(origin, (name, "list"))
    assert refused.startswith(f"{named(origin, name)}: 'list' {said}")


@pytest.mark.parametrize("name", ["access-token-file", "allow-channels"])
def test_a_list_that_is_not_text_is_told(folder: Path, name: str) -> None:
    (folder / "list").write_bytes(b"\xff\xfe\0")
    assert refusal_of(f"--{name}=list") == f"--{name}: 'list' is not UTF-8 text"
    assert refusal_of(toml=f'{name} = "a\\u0000"').endswith("is not a file name")


def test_settings_know_the_flag_the_variable_or_the_key_of_each_option() -> None:
    found = read("--bind=::1", toml="port = 81\nsession-ttl = 60\n", RELAY_PORT="82")
    assert [found.source_of(name) for name in ("bind", "port", "session-ttl", "listen")] == [
        "--bind",
        "RELAY_PORT",
        f"{CONFIG}: session-ttl",
        "--listen",
    ]
