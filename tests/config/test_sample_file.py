"""The sample file and the schema: what they say is what the relay takes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vaultrelay.config.json_schema import schema
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.sample_file import sample
from vaultrelay.config.settings import OPTIONS, Settings
from vaultrelay.config.settings_reader import SettingsReader

SCHEMA = schema(OPTIONS)
FILES = ("tls-cert", "tls-key", "access-token-file", "allow-channels")
OPEN = "mailbox-open = true\n"
IN_FILE = [option.name for option in OPTIONS if option.name != "config"]


def uncommented() -> dict[str, Any]:
    return tomllib.loads(re.sub(r"(?m)^#(?=[a-z-]+ = )", "", sample(OPTIONS)))


def read(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "relay.toml"
    file.write_text(text)
    return SettingsReader({"config": [str(file)]}, {}).read()


def test_the_sample_changes_nothing_as_it_is(tmp_path: Path) -> None:
    assert tomllib.loads(sample(OPTIONS)) == {}
    assert read(tmp_path, sample(OPTIONS)).changed == {}


def test_each_line_of_the_sample_can_be_used(tmp_path: Path) -> None:
    values = uncommented()
    assert list(values) == IN_FILE
    for line in re.findall(r"(?m)^#([a-z-]+ = .*)$", sample(OPTIONS)):
        name = line.partition(" ")[0]
        if name in FILES:
            with pytest.raises(BadOption, match=f": {name}: "):
                read(tmp_path, line)
        elif name == "mailbox":
            read(tmp_path, OPEN + line)
        else:
            read(tmp_path, line)
    assert max(map(len, sample(OPTIONS).splitlines())) <= 100


def test_what_is_a_default_in_the_sample_is_the_default(tmp_path: Path) -> None:
    for option in OPTIONS:
        if option.default:
            text = f"{option.name} = {json.dumps(uncommented()[option.name])}"
            assert read(tmp_path, text).changed == {}


def test_the_schema_is_one_and_takes_the_sample() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate({})
    Draft202012Validator(SCHEMA).validate(uncommented())
    assert list(SCHEMA["properties"]) == IN_FILE  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "text",
    [
        "port = 70000",
        "port = -1",
        "port = 'http'",
        "port = 1.5",
        "port = true",
        "port = [80]",
        "bind = ''",
        "prot = 80",
        "config = 'a'",
        "log-level = 'INFO'",
        "listen = [['tcp:80']]",
        "public-url = true",
        "channel-devices = 1",
        "mailbox-open = 1",
        "mailbox-open = 'true'",
        "mailbox-open = ['yes']",
        "mailbox-retention = 59",
        f"deny-from = {['10.0.0.1'] * 1001}",
    ],
)
def test_what_the_schema_refuses_the_relay_refuses_too(tmp_path: Path, text: str) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))
    with pytest.raises(BadOption):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "port = '80'",
        "port = 0",
        "node-name = ''",
        "listen = 'tcp:80'",
        "max-buffer = ' 5000000 '",
        "mailbox-open = true",
        "mailbox-open = 'no'",
    ],
)
def test_what_the_relay_takes_the_schema_takes_too(tmp_path: Path, text: str) -> None:
    read(tmp_path, text)
    assert Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))
