"""The options of the mailbox: its folder, who may store, and its switch."""

from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings import Settings
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.wire import base64url

TOKENS = "access-token-file = 'tokens'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tokens").write_text("access-token-0001\n")
    return tmp_path


def read(*flags: str, toml: str = "", **variables: str) -> Settings:
    Path("relay.toml").write_text(toml)
    options = RelayOptions()
    options.environment = variables
    options.parseOptions(["--config=relay.toml", *flags])
    return options.settings


def refusal(*flags: str, toml: str = "", **variables: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(*flags, toml=toml, **variables)
    return str(caught.value)


def test_the_folder_comes_from_flag_variable_or_file() -> None:
    opened = "mailbox-open = true\n"
    assert read().mailbox == ""
    assert read(toml=f"{opened}mailbox = 'a'").mailbox == "a"
    assert read(RELAY_MAILBOX="b", toml=f"{opened}mailbox = 'a'").mailbox == "b"
    assert read("--mailbox=c", RELAY_MAILBOX="b", toml=opened).mailbox == "c"


def test_a_switch_is_a_flag_without_a_value_a_word_or_a_boolean() -> None:
    assert not read().mailbox_open
    assert read("--mailbox-open").mailbox_open
    assert read("--mailbox-open", RELAY_MAILBOX_OPEN="no").mailbox_open
    assert read(RELAY_MAILBOX_OPEN="yes").mailbox_open
    assert not read(RELAY_MAILBOX_OPEN="no", toml="mailbox-open = true").mailbox_open
    assert read(RELAY_MAILBOX_OPEN="", toml="mailbox-open = true").mailbox_open
    assert read(toml="mailbox-open = 'yes'").mailbox_open
    assert not read(toml="mailbox-open = false").mailbox_open


@pytest.mark.parametrize("value", ["", "yes", "x"])
def test_a_flag_of_a_switch_takes_no_value(value: str) -> None:
    assert refusal(f"--mailbox-open={value}") == (
        "option --mailbox-open must not have an argument; see vault-relay --help"
    )


@pytest.mark.parametrize("word", ["true", "1", "Yes", "on"])
def test_another_word_than_yes_or_no_is_refused(word: str) -> None:
    assert refusal(RELAY_MAILBOX_OPEN=word) == (f"RELAY_MAILBOX_OPEN: '{word}' must be yes or no")
    assert refusal(toml=f"mailbox-open = '{word}'").endswith("must be yes or no")


def test_nobody_stores_who_was_not_meant_to() -> None:
    assert refusal("--mailbox=a").startswith(
        "--mailbox: anyone who reaches the relay could store messages on its disk. "
    )
    assert refusal(RELAY_MAILBOX="a").startswith("RELAY_MAILBOX: anyone ")
    assert refusal(toml="mailbox = 'a'").startswith("relay.toml: mailbox: anyone ")


@pytest.mark.parametrize("source", ["tokens", "channels"])
def test_a_list_of_tokens_or_channels_is_enough(source: str) -> None:
    Path("channels").write_text(base64url.encode(bytes(32)))
    option = {"tokens": "access-token-file", "channels": "allow-channels"}[source]
    settings = read("--mailbox=a", f"--{option}={source}")
    assert (settings.mailbox, settings.is_mailbox_open) == ("a", False)


def test_only_without_lists_anyone_may_store() -> None:
    assert read("--mailbox=a", "--mailbox-open").is_mailbox_open
    assert not read("--mailbox=a", "--mailbox-open", toml=TOKENS).is_mailbox_open


def test_several_relays_have_no_mailbox() -> None:
    assert refusal("--mailbox=a", RELAY_NODE_NAME="b", toml=TOKENS) == (
        "--mailbox and RELAY_NODE_NAME cannot be combined: with several relays a device can reach "
        "one that does not have its messages; remove one of the two"
    )


def test_an_item_fits_into_a_message() -> None:
    assert read().max_item_bytes == 65_536
    assert read("--message-bytes=2000").max_item_bytes == 1948
    assert read("--mailbox-item-bytes=3000").max_item_bytes == 3000


def test_a_token_has_a_tenth_unless_the_operator_says_otherwise() -> None:
    assert read("--mailbox-bytes=5000").payer_bytes == 500
    assert read("--mailbox-bytes=5000", "--mailbox-token-bytes=9").payer_bytes == 9


def test_a_reload_does_not_open_the_mailbox_to_all() -> None:
    Path("relay.toml").write_text(f"{TOKENS}mailbox = 'a'\nmailbox-retention = 3600\n")
    reader = SettingsReader({"config": ["relay.toml"]}, {})
    before = reader.read()
    Path("relay.toml").write_text("mailbox = 'a'\nmailbox-retention = 7200\nmailbox-open = false\n")
    again, errors = reader.read_all(before)
    assert len(errors) == 1
    assert errors[0].startswith("relay.toml: mailbox: anyone ")
    assert again.mailbox == "a"


def test_a_reload_applies_sizes_and_times_and_leaves_the_folder() -> None:
    Path("relay.toml").write_text(f"{TOKENS}mailbox = 'a'\n")
    reader = SettingsReader({"config": ["relay.toml"]}, {})
    before = reader.read()
    Path("relay.toml").write_text(f"{TOKENS}mailbox = 'b'\nmailbox-retention = 7200\n")
    again, errors = reader.read_all(before)
    after, restart = again.taken_over_by(before)
    assert (after.mailbox, after.retention, restart, errors) == ("a", 7200, ["mailbox"], [])
