"""The command line: flags that are unknown or short, and any value at all."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.python.usage import UsageError

from tests.config.options import ORIGINS, at, named, read, refusal_at, refusal_of
from vaultrelay.config.command_line import RelayOptions
from vaultrelay.config.settings import OPTIONS

pytestmark = pytest.mark.usefixtures("folder")


def test_a_flag_without_its_value_is_refused() -> None:
    assert refusal_of("--port") == "option --port requires a value; see vault-relay --help"


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--prot=80", "; did you mean --port? See"),
        ("--session-tll", "; did you mean --session-ttl? See"),
        ("--versoin", "; did you mean --version? See"),
        ("--quite-another", "; see"),
        ("-p", "; see"),
    ],
)
def test_an_unknown_flag_is_refused_with_the_likeliest_one(flag: str, hint: str) -> None:
    name = flag.partition("=")[0]
    assert refusal_of(flag) == f"option {name} not recognized{hint} vault-relay --help"


def test_a_flag_may_be_shortened_if_it_is_clear() -> None:
    assert read("--sess=7").session_ttl == 7
    assert refusal_of("--log=7") == "option --log not a unique prefix; see vault-relay --help"


def test_an_unknown_flag_with_control_bytes_is_escaped() -> None:
    assert "\x1b" not in refusal_of("--a\x1b[31m\nb")


@pytest.mark.parametrize("argument", ["8080", "start", "a\x1b[31m\nb"])
def test_an_argument_that_is_no_flag_is_refused(argument: str) -> None:
    said = refusal_of(argument, "--port=80")
    assert said.startswith("unexpected argument '")
    assert said.endswith("'; see vault-relay --help")


def test_two_option_objects_share_no_flags() -> None:
    assert read("--public-url=wss://a.example").public_urls == ("wss://a.example",)
    assert read().public_urls == ()


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", ["port", "bind", "log-level", "max-connections"])
def test_control_bytes_in_a_value_are_escaped(origin: str, name: str) -> None:
    value = "a\x1b[31m\x07\x9b\u202e"
    said = refusal_at(origin, (name, value) if origin != "file" else (name, "a"))
    assert said.startswith(f"{named(origin, name)}: 'a")
    if origin != "file":
        assert all(code in said for code in (r"\x1b[31m", r"\x07", r"\x9b", r"\u202e"))


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_printed(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read(flag)
    assert not caught.value.code
    assert capsys.readouterr().out.rstrip() == str(RelayOptions()).rstrip()


CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.text(st.one_of(CHARACTERS, st.just("\udcff")), max_size=20)
"""What a command line can hold: anything but NUL, and bytes that are not UTF-8."""


@given(
    st.sampled_from([each.name for each in OPTIONS if not each.is_switch]),
    TEXTS,
    st.sampled_from(ORIGINS[:2]),
)
@example("listen", "tcp:80\\", "flag")
@example("listen", "a=b", "variable")
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_value_gives_settings_or_one_line(
    folder: Path, name: str, value: str, origin: str
) -> None:
    flags, _, variables = at(origin, (name, value))
    try:
        read(*flags, **variables)
    except UsageError as error:
        assert str(error).startswith(f"{named(origin, name)}: ")  # noqa: PT017
        assert str(error).isprintable()  # noqa: PT017
