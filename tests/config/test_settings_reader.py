"""SettingsReader: options that depend on each other, and what a reload keeps of bad ones."""

from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.config.options import CONFIG, ORIGINS, at, named, read, refusal_of
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.limits import memory

pytestmark = pytest.mark.usefixtures("folder")


def test_settings_can_be_read_without_a_command_line() -> None:
    settings = SettingsReader(
        {"port": ["81", "82"], "public-url": []}, {"RELAY_BIND": "::1"}
    ).read()
    assert (settings.port, settings.bind, settings.public_urls) == (82, "::1", ())
    with pytest.raises(BadOption, match=r"^RELAY_BIND: "):
        SettingsReader({}, {"RELAY_BIND": "x"}).read()


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


@pytest.mark.parametrize(
    ("connections", "places"), [(1, 64), (256, 64), (260, 65), (1000, 250), (100_000, 25_000)]
)
def test_an_address_has_a_quarter_of_the_places_if_nobody_says_otherwise(
    connections: int, places: int
) -> None:
    assert read(f"--max-connections={connections}").capacity_per_address == places
    assert read(f"--max-connections={connections}", "--max-per-address=3").capacity_per_address == 3


def test_the_buffer_holds_some_of_the_largest_messages() -> None:
    minimum = memory.MIN_MESSAGES_HELD * 2_000_000
    assert read("--message-bytes=2000000", f"--max-buffer={minimum}").buffer_bytes == minimum
    said = refusal_of("--message-bytes=2000000", f"--max-buffer={minimum - 1}")
    assert str(minimum) in said
    largest = "67108864"
    assert read(f"--message-bytes={largest}").buffer_bytes >= memory.MIN_MESSAGES_HELD * int(
        largest
    )


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
