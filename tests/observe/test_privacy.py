"""The privacy notice: what it says of each setting, and that the page for people knows its keys."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.memory import Relay
from vaultrelay.config.settings import Settings
from vaultrelay.logs import FORMATS, LEVELS
from vaultrelay.logs.naming import WAYS
from vaultrelay.observe.privacy import privacy_notice
from vaultrelay.policy.access import Tokens
from vaultrelay.policy.limits.networks import JOIN_SECONDS_PER_DEVICE, JOINS_AT_ONCE_PER_DEVICE

PAGE = Path(__file__).parents[2] / "docs" / "privacy.rst"


def notice_of(**settings: Any) -> dict[str, Any]:
    """As a client reads it."""
    notice: dict[str, Any] = json.loads(json.dumps(privacy_notice(Settings(**settings))))
    return notice


def test_a_relay_serves_the_notice_of_its_own_settings() -> None:
    relay = Relay(log_addresses="full", log_level="debug")
    _, _, body = relay.connect().request("/privacy.json").partition(b"\r\n\r\n")
    settings = Settings(log_addresses="full", log_level="debug")
    assert json.loads(body) == privacy_notice(settings, under_twistd=True)


def test_a_log_of_twistds_is_said_to_be_one() -> None:
    logs: Any = privacy_notice(Settings(), under_twistd=True)["logs"]
    assert (logs["format"], logs["words_of_errors"]) == ("twistd", True)
    assert "contain data that a device sent" in logs["says"]


def test_settings_that_change_change_the_notice() -> None:
    relay = Relay()
    relay.service.settings = Settings(log_addresses="none")
    _, _, body = relay.connect().request("/privacy.json").partition(b"\r\n\r\n")
    assert json.loads(body)["logs"]["addresses"] == "none"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("way", WAYS)
def test_the_notice_says_what_is_logged(way: str, level: str, format: str) -> None:
    logs = notice_of(log_addresses=way, log_level=level, log_format=format)["logs"]
    sessions = level in ("info", "debug")
    is_told = level != "error" and way != "none"
    assert (logs["level"], logs["format"], logs["sessions"]) == (level, format, sessions)
    assert logs["addresses"] == (way if sessions else "none")
    assert logs["channels"] == ("pseudonym" if sessions and way != "none" else "none")
    assert logs["private_address_of_an_untrusted_proxy"] == ("full" if is_told else "none")
    assert logs["joins_and_refusals"] == logs["words_of_errors"] == (level == "debug")
    assert (logs["device_tags"], logs["messages"]) == ("none", "none")
    assert ("pseudonym" in logs["says"]) == (logs["channels"] == "pseudonym")
    assert ("contain data that a device sent" in logs["says"]) == (level == "debug")


@pytest.mark.parametrize(
    ("places", "seconds"), [(None, JOIN_SECONDS_PER_DEVICE * JOINS_AT_ONCE_PER_DEVICE), (0, 0)]
)
def test_the_notice_says_how_long_an_address_is_kept(places: int | None, seconds: int) -> None:
    relay = Relay(max_per_address=places)
    seen = {item["what"]: item for item in notice_of(max_per_address=places)["sees"]}
    assert seen["network_address"]["seconds_kept_after_disconnect"] == seconds
    assert seen["channel"]["seconds_kept_after_disconnect"] == 60
    for _ in range(relay.broker.budgets.max_devices * JOINS_AT_ONCE_PER_DEVICE):
        relay.join(host="198.51.100.1").hang_up()
    assert (relay.broker.budgets.count > 0) == (seconds > 0)
    relay.advance(seconds + 1)
    assert relay.broker.budgets.count == 0


def test_nothing_of_the_operator_but_his_choices_is_in_the_notice() -> None:
    notice = json.dumps(
        notice_of(
            bind="10.9.8.7",
            public_urls=("wss://secret.example",),
            trusted_proxies=("10.6.5.4",),
            listen=("unix:/secret/path",),
        )
    )
    assert "10." not in notice
    assert "secret" not in notice


def test_a_relay_writes_to_disk_what_its_mailbox_keeps_and_nothing_else() -> None:
    without = notice_of(mailbox_open=True)
    assert without["writes_to_disk"] == []
    assert "writes nothing to disk" in without["says"]
    found = notice_of(mailbox="folder", retention=7200, tokens=Tokens([]))
    stored = {item["what"]: item for item in found["writes_to_disk"]}
    assert stored["mailbox_items"]["seconds_kept_on_disk"] == 7200
    assert stored["mailbox_channels"]["seconds_kept_on_disk"] > 7200
    assert "nothing to disk" not in found["says"]
    assert "folder" not in json.dumps(found)


def test_an_open_mailbox_keeps_addresses_for_a_day() -> None:
    def seconds(**settings: Any) -> int:
        found = {each["what"]: each for each in notice_of(**settings)["sees"]}
        return int(found["network_address"]["seconds_kept_after_disconnect"])

    assert seconds(mailbox="folder", mailbox_open=True) == 86400
    assert seconds(mailbox="folder", channels=frozenset([b"channel"])) == seconds()


def words(value: object) -> Iterator[str]:
    """Every key, and every value of `what`."""
    if isinstance(value, dict):
        yield from value
        if "what" in value:
            yield value["what"]
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from words(inner)


def test_the_page_for_people_explains_every_word_of_it() -> None:
    explained = set(re.findall(r"``([a-z_]+)``", PAGE.read_text()))
    assert set(words(notice_of())) <= explained
    assert set(words(notice_of(mailbox="folder"))) <= explained


def test_each_sentence_ends_as_one() -> None:
    def sentences(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if "says" in value:
                yield value["says"]
            for inner in value.values():
                yield from sentences(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from sentences(inner)

    told = list(sentences(notice_of()))
    assert len(told) > 12
    assert all(text.endswith(".") for text in told)
