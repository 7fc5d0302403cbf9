"""Slips: values that were meant well get the right way to write them."""

from pathlib import Path

import pytest

from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings import OPTIONS
from vaultrelay.config.settings_reader import SettingsReader

VARIABLES = {option.name: option.variable for option in OPTIONS}
MANY = [option.name for option in OPTIONS if option.repeatable]
PAIRS = {
    "listen": ("tcp:8080", "unix:/run/relay.sock"),
    "public-url": ("wss://a.example/", "wss://b.example/"),
    "admin-node": ("http://10.0.0.2:9090/", "unix:/run/admin.sock"),
}
"""Values that an option may have; networks are those of all others."""
NETWORKS = ("10.0.0.1", "192.168.0.0/16")
FLAG, VARIABLE, FILE = (
    "repeat --{} for each value",
    "separate them by white space",
    "write a list, ",
)


def refusal_of(name: str, value: str) -> str:
    with pytest.raises(BadOption) as caught:
        SettingsReader({name: [value]}, {}).read()
    return str(caught.value)


def refusal_of_variable(name: str, value: str) -> str:
    with pytest.raises(BadOption) as caught:
        SettingsReader({}, {VARIABLES[name]: value}).read()
    return str(caught.value)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("between", [",", ", ", ";", " , "])
def test_a_list_is_written_as_its_place_has_it(tmp_path: Path, name: str, between: str) -> None:
    text = between.join(PAIRS.get(name, NETWORKS))
    assert refusal_of(name, text).endswith(f"contains several values; {FLAG.format(name)}")
    assert refusal_of_variable(name, text).endswith(f"contains several values; {VARIABLE}")
    file = tmp_path / "relay.toml"
    file.write_text(f"{name} = '{text}'")
    assert FILE in refusal_of("config", str(file))


@pytest.mark.parametrize("name", MANY)
def test_one_text_of_two_values_is_no_list_but_in_a_variable(name: str) -> None:
    text = " ".join(PAIRS.get(name, NETWORKS))
    assert "contains several values" in refusal_of(name, text)


def test_of_a_url_with_a_token_nothing_is_shown() -> None:
    said = refusal_of("public-url", "wss://any:s3cret@a.example,wss://b.example")
    assert "s3cret" not in said


def test_a_path_of_a_unix_socket_may_have_a_comma() -> None:
    assert SettingsReader({"listen": ["unix:/run/a,b.sock"]}, {}).read().listen


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
@pytest.mark.parametrize("quoted", ['"{}"', "'{}'", "\u201c{}\u201d"])
def test_quotation_marks_that_an_environment_file_keeps_are_named(
    option: object, quoted: str
) -> None:
    name = getattr(option, "name", "")
    for value in ("8080", "127.0.0.1 10.0.0.1"):
        said = refusal_of_variable(name, quoted.format(value))
        assert said == (
            f"{VARIABLES[name]}: the value has quotation marks, which are read as part of it; "
            "remove them"
        )


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("bind", "127.0.0.1\r", "bind=127.0.0.1"),
        ("log-level", " warn\r\n", "log_level='warn'"),
        ("node-name", "relay-2 ", "node_name='relay-2'"),
    ],
)
def test_white_space_around_a_variable_does_no_harm(name: str, value: str, taken: str) -> None:
    assert taken in repr(SettingsReader({}, {VARIABLES[name]: value}).read()).replace(
        "bind='", "bind="
    )


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("bind", "localhost", "write 127.0.0.1, or ::1 for IPv6"),
        ("bind", "localhost:8080", "write 127.0.0.1, or ::1 for IPv6"),
        ("bind", "127.0.0.1:8080", "write 127.0.0.1, and the port with --port"),
        ("bind", "[::1]:8080", "write ::1, and the port with --port"),
        ("bind", "http://10.0.0.7/", "write 10.0.0.7"),
        ("bind", "*", "write 0.0.0.0, or :: for IPv6 and IPv4"),
        ("bind", "eth0", "write an IP address: host names are not resolved"),
        ("bind", "relay.example.org", "write an IP address: host names are not resolved"),
        ("bind", " ::1", "remove the white space around it"),
        ("port", "8080/tcp", "write only the number, such as 8080"),
        ("port", ":8080", "write only the number, such as 8080"),
        ("port", "0.0.0.0:8080", "write only the number, such as 8080"),
        ("port", "tcp:8080", "write only the number, such as 8080"),
        ("max-connections", "10,000", "write 10000"),
        ("max-buffer", "64M", "write 67108864"),
        ("max-buffer", "1 GiB", "write 1073741824"),
        ("message-bytes", "512kB", "write 524288"),
        ("drain-seconds", "20s", "write 20"),
        ("session-ttl", "2 hours", "write 7200"),
        ("session-ttl", "1day", "write 86400"),
        ("ping-seconds", "1min", "write 60"),
        ("trusted-proxy", "localhost", "write 127.0.0.1, or ::1 for IPv6"),
        ("trusted-proxy", "10.0.0.5:443", "write 10.0.0.5"),
        ("trusted-proxy", "https://10.0.0.5/", "write 10.0.0.5"),
        ("trusted-proxy", "[2001:db8::5]:443", "write 2001:db8::5"),
        ("trusted-proxy", "10.0.0.0/8/", "write 10.0.0.0/8"),
        ("trusted-proxy", "unix:/run/relay.sock", "write only unix, for all unix sockets"),
        ("trusted-proxy", "UNIX", "write only unix, for all unix sockets"),
        ("trusted-proxy", "nginx", "write an IP address: host names are not resolved"),
        ("allow-from", "192.168.", "write 192.168.0.0/16"),
        ("allow-from", "10.*.*.*", "write 10.0.0.0/8"),
        ("deny-from", "any", "all addresses are 0.0.0.0/0 and ::/0"),
        ("public-url", "relay.example.org:8443", "add the scheme, such as wss:// or http://"),
        ("public-url", "relay.example.org/", "add the scheme, such as wss:// or http://"),
        ("admin-node", "10.0.0.2:9090", "add the scheme, such as wss:// or http://"),
    ],
)
def test_what_comes_close_is_told_as_it_is_written(name: str, value: str, instead: str) -> None:
    said = refusal_of(name, value)
    assert said.startswith(f"--{name}: '{value}' ")
    assert said.endswith(f"; {instead}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "70000"),
        ("bind", "10.0.0.0/8"),
        ("bind", "999.0.0.1:80"),
        ("drain-seconds", "5 MB"),
        ("max-buffer", "5 s"),
        ("max-connections", "5k"),
        ("trusted-proxy", "10.0.0.1-10.0.0.9"),
        ("trusted-proxy", "300.*"),
        ("trusted-proxy", "10.0.0.1/8"),
        ("public-url", "ftp://a.example"),
        ("log-level", "INFO"),
    ],
)
def test_what_does_not_gets_no_advice_that_is_wrong(name: str, value: str) -> None:
    said = refusal_of(name, value)
    assert "; write " not in said.replace("; write 10.0.0.0/8, or just the address", "")
    assert "; add " not in said
