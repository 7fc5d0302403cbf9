"""Options that are addresses, networks, URLs, names of hosts or endpoint strings."""

import pytest

from tests.config.options import CONFIG, ORIGINS, named, read, refusal_at, refusal_of
from vaultrelay.policy.limits import access, admin

pytestmark = pytest.mark.usefixtures("folder")


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


def test_origins_are_not_without_end() -> None:
    many = [f"--allow-origin=https://a{number}.example" for number in range(1001)]
    assert refusal_of(*many) == "--allow-origin: more than 1000 origins"


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


@pytest.mark.parametrize("name", ["a" * 33, "two words", "ä", "a/b", "a\n", "<b>", "a\x1b[1m"])
def test_a_node_has_a_short_and_plain_name(name: str) -> None:
    assert "must be at most 32 characters from A-Z a-z 0-9 . _ -, such as relay-2" in refusal_of(
        "--node-name", name
    )


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


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_token_in_a_public_url_is_refused_and_not_repeated(origin: str) -> None:
    said = refusal_at(origin, ("public-url", "wss://any:s3cret@relay.example.org"))
    assert said.startswith(f"{named(origin, 'public-url')}: ")
    assert "s3cret" not in said


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


def test_of_several_endpoint_strings_the_bad_one_is_named() -> None:
    said = refusal_of("--listen=tcp:80", "--listen=tcp:99999", "--listen=tcp:81")
    assert said == "--listen: 'tcp:99999' needs a port from 0 to 65535"


@pytest.mark.parametrize("origin", ["flag", "variable"])
@pytest.mark.parametrize(
    "text",
    ["ssl:443:privateKey={}", "ssl:443:certKey={}", "tls:{}", "{}:80", "tcp:{}", "tcp:80:{}=1"],
)
def test_control_bytes_in_an_endpoint_string_are_escaped(origin: str, text: str) -> None:
    said = refusal_at(origin, ("listen", text.format("a\x1b[31m\x07b")))
    assert said.startswith(f"{named(origin, 'listen')}: ")
