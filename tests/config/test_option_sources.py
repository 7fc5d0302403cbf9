"""Where options come from, and which of them wins: a flag, a variable, or a key of the file."""

import pytest

from tests.config.option_cases import CASES, OF_THEIR_OWN, URLS
from tests.config.options import CONFIG, read, refusal_of, variable_of
from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings import OPTIONS

pytestmark = pytest.mark.usefixtures("folder")


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


def test_the_last_of_repeated_flags_counts() -> None:
    assert read("--port=81", "--port", "82").port == 82


@pytest.mark.parametrize("name", ["listen", "public-url", "trusted-proxy"])
def test_a_repeatable_option_is_a_flag_again_a_variable_of_words_or_a_list(name: str) -> None:
    reader, _, values = CASES[name]
    expected = " ".join(values)
    assert reader(read(*(f"--{name}={value}" for value in values))) == expected
    assert reader(read(**{variable_of(name): "  {}\t{}\n{} ".format(*values)})) == expected
    assert reader(read(toml=f"{name} = {list(values)}")) == expected
    assert reader(read(toml=f"{name} = []")) == ""


def test_repeated_values_of_one_origin_replace_those_of_another() -> None:
    first, second, third = URLS
    settings = read(f"--public-url={first}", RELAY_PUBLIC_URL=second, toml=f"public-url='{third}'")
    assert settings.public_urls == (first,)


@pytest.mark.parametrize("name", [each.name for each in OPTIONS if not each.is_switch])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_flag_is_refused(name: str, value: str) -> None:
    if name in ("node-name", "runtime-folder"):
        pytest.skip("takes back what a variable says")
    assert refusal_of(f"--{name}={value}") == (
        f"--{name}: the value is empty; set one, or remove the option"
    )


def test_a_flag_takes_the_nodes_name_away() -> None:
    assert read("--node-name=", RELAY_NODE_NAME="relay-2").node_name == ""


def test_options_take_no_variables_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_PORT", "81")
    options = RelayOptions()
    options.parseOptions([])
    assert options.settings.port == 8080


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


def test_settings_know_the_flag_the_variable_or_the_key_of_each_option() -> None:
    found = read("--bind=::1", toml="port = 81\nsession-ttl = 60\n", RELAY_PORT="82")
    assert [found.source_of(name) for name in ("bind", "port", "session-ttl", "listen")] == [
        "--bind",
        "RELAY_PORT",
        f"{CONFIG}: session-ttl",
        "--listen",
    ]
