"""Kinds of options: numbers, one of several words, and files that are lists."""

from pathlib import Path

import pytest

from tests.config.option_cases import CASES, RANGES
from tests.config.options import ORIGINS, named, read, read_at, refusal_at, refusal_of

pytestmark = pytest.mark.usefixtures("folder")


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


def test_blanks_around_a_number_do_no_harm() -> None:
    assert read("--port= 81 ", RELAY_DRAIN_SECONDS="7\n").port == 81


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
