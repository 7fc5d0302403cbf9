"""The help: one entry for each option, within 80 columns."""

import re

from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings import OPTIONS


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
