"""One declaration is all that an option takes: an option of this test is known everywhere."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator

from tests.documents.make_man import load_make_man
from vaultrelay.commands.completion_scripts import SCRIPTS
from vaultrelay.config import command_line, settings_reader
from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.json_schema import schema
from vaultrelay.config.option import Option, option, options_of
from vaultrelay.config.option_kinds import Choice, Integer
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.sample_file import sample
from vaultrelay.config.settings import OPTIONS, Settings
from vaultrelay.config.settings_reader import SettingsReader

HELP = "How many acorns a squirrel may bury."


@dataclass(frozen=True)
class Pretend(Settings):
    """The settings of a relay with one more option of each kind of reload."""

    acorns: int = option("most-acorns", Integer(within=(1, 9)), 7, "Squirrels", HELP)
    colour: str = option(
        "squirrel-colour",
        Choice("COLOUR", words=("red", "grey")),
        "red",
        "Squirrels",
        "What they look like.",
        live=False,
    )


DECLARED = options_of(Pretend)


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay has these options, too."""
    for module in (command_line, settings_reader):
        monkeypatch.setattr(module, "OPTIONS", DECLARED)
        monkeypatch.setattr(module, "Settings", Pretend)


def parsed(*flags: str, **variables: str) -> Pretend:
    options = RelayOptions()
    options.environment = variables
    options.parseOptions(list(flags))
    assert isinstance(options.settings, Pretend)
    return options.settings


@pytest.fixture
def make_man() -> ModuleType:
    return load_make_man()


def test_it_is_a_flag_a_variable_and_a_key_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("most-acorns = 3\n")
    assert parsed().acorns == 7
    assert parsed("--config", str(file)).acorns == 3
    assert parsed("--config", str(file), RELAY_MOST_ACORNS="4").acorns == 4
    assert parsed("--most-acorns=5", RELAY_MOST_ACORNS="4").acorns == 5
    assert parsed(RELAY_MOST_ACORNS="4").unknown_variables == ()


def test_its_range_holds_everywhere(tmp_path: Path) -> None:
    for variables in ({"RELAY_MOST_ACORNS": "10"}, {"RELAY_MOST_ACORNS": "some"}):
        with pytest.raises(BadOption, match="must be a whole number from 1 to 9"):
            parsed(**variables)
    with pytest.raises(BadOption, match="did you mean --most-acorns"):
        parsed("--most-acrons=1")
    (tmp_path / "relay.toml").write_text("most_acorns = 3\n")
    with pytest.raises(BadOption, match=r"most_acorns: .* did you mean most-acorns\?"):
        parsed("--config", str(tmp_path / "relay.toml"))


def test_a_reload_applies_it_or_takes_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "relay.toml"
    file.write_text("")
    reader = SettingsReader({"config": [str(file)]}, {})
    before = reader.read()
    file.write_text("most-acorns = 3\nsquirrel-colour = 'grey'\n")
    again, errors = reader.read_all(before)
    after, restart = again.taken_over_by(before)
    assert isinstance(after, Pretend)
    assert (after.acorns, after.colour, restart, errors) == (3, "red", ["squirrel-colour"], [])


def test_its_effective_value_is_shown() -> None:
    assert Pretend().effective["most-acorns"] == 7
    assert Pretend().changed == {}
    assert Pretend(acorns=2).changed == {"most-acorns": 2}


def test_it_is_in_the_help_in_its_group() -> None:
    text = str(RelayOptions())
    assert "\n\nSquirrels:\n  --most-acorns NUMBER      How many acorns" in text
    assert "Default: 7." in text
    assert "and --squirrel-colour require a restart." in " ".join(text.split())


def test_it_is_in_every_document(make_man: ModuleType) -> None:
    man = "\n".join(make_man.options(DECLARED))
    assert f".SS Squirrels\n.TP\n.B \\-\\-most\\-acorns NUMBER\n{HELP} Default: 7.\n" in man
    assert "\n# Squirrels\n\n# How many acorns" in sample(DECLARED)
    assert "\n#most-acorns = 7\n" in sample(DECLARED)
    validator = Draft202012Validator(schema(DECLARED))
    assert validator.is_valid({"most-acorns": 9, "squirrel-colour": "grey"})
    assert not validator.is_valid({"most-acorns": 10})
    assert not validator.is_valid({"squirrel-colour": "blue"})


@pytest.mark.parametrize("shell", SCRIPTS)
def test_it_is_completed(shell: str) -> None:
    script = SCRIPTS[shell](DECLARED, [])
    assert "most-acorns" in script
    assert "red grey" in script


def test_no_other_option_is_lost_by_it() -> None:
    assert [each for each in DECLARED if each in OPTIONS] == list(OPTIONS)


@pytest.mark.parametrize("each", OPTIONS, ids=lambda each: each.name)
def test_a_declaration_is_complete(each: Option) -> None:
    assert each.help.endswith(".")
    assert each.group
    assert each.default or each.example or each.name == "config"
    value = getattr(Settings, each.field)
    if each.is_switch:
        value = "yes" if value else "no"
    assert each.default == (str(value) if isinstance(value, int | str) else "")
