"""The file of options: where it is, what it may contain, and the errors of an invalid one."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.python.usage import UsageError

from tests.authority import issue, write_pair
from tests.config.options import CONFIG, named, read, refusal_at, refusal_of

pytestmark = pytest.mark.usefixtures("folder")


def test_the_file_may_be_named_by_flag_or_variable(folder: Path) -> None:
    (folder / "a.toml").write_text("port = 81")
    (folder / "b.toml").write_text("port = 82\nbind = '::'")
    assert read("--config=a.toml").port == 81
    assert read(RELAY_CONFIG="b.toml").port == 82
    settings = read("--config=a.toml", RELAY_CONFIG="b.toml")
    assert (settings.port, settings.bind) == (81, "0.0.0.0")


def test_an_empty_file_changes_nothing() -> None:
    assert replace(read(toml="# nothing yet\n"), config="") == read()


@pytest.mark.parametrize("origin", ["flag", "variable"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing.toml", "cannot be read: no such file or directory"),
        (".", "cannot be read: is a directory"),
        ("empty.toml/x", "cannot be read: not a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, origin: str, path: str, said: str
) -> None:
    (folder / "empty.toml").write_text("")
    assert refusal_at(origin, ("config", path)) == f"{named(origin, 'config')}: '{path}' {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"port: 80\n",
            "is not valid TOML: Expected '=' after a key in a key/value pair (at line 1",
        ),
        (b"\n\nport = \n", "is not valid TOML: Invalid value (at line 3"),
        (b"port = 1\nport = 2\n", "is not valid TOML: Cannot overwrite a value (at line 2"),
        (b"[port", "is not valid TOML: "),
        (b"\x1b[31m = 1", "is not valid TOML: "),
        (b"\xff\xfep\x00", "is not UTF-8 text"),
        ("# für".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_toml_says_where(content: bytes, said: str) -> None:
    assert refusal_of(toml=content).startswith(f"--config: '{CONFIG}' {said}")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("prot", "; did you mean port?"),
        ("max_connections", "; did you mean max-connections?"),
        ("public_url", "; did you mean public-url?"),
        ("tls_cert", "; did you mean tls-cert?"),
        ("loglevel", "; did you mean log-level?"),
        ("relay", ""),
        ("config", ""),
    ],
)
def test_an_unknown_key_is_refused_with_the_likeliest_one(key: str, hint: str) -> None:
    said = refusal_of(toml=f"{key} = 1")
    assert said == f"{CONFIG}: {key}: unknown option{hint}"


def test_a_key_with_control_bytes_is_escaped() -> None:
    assert refusal_of(toml='"a\\u001b[31m\\nb" = 1') == (rf"{CONFIG}: a\x1b[31m\nb: unknown option")


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "1.5",
        "nan",
        "1979-05-27",
        "07:32:00",
        "{ a = 1 }",
        "[1]",
        "[]",
        "['80']",
    ],
)
@pytest.mark.parametrize("name", ["port", "bind", "tls-cert", "log-level"])
def test_a_value_of_another_kind_is_refused(name: str, value: str) -> None:
    said = refusal_of(toml=f"{name} = {value}")
    assert said.startswith(f"{CONFIG}: {name}: ")
    assert said.endswith(" must be a string or an integer")


@pytest.mark.parametrize(
    "value", ["true", "1.5", "[1.5]", "['tcp:80', false]", "[['tcp:80']]", "{ }"]
)
@pytest.mark.parametrize("name", ["listen", "public-url"])
def test_a_list_of_other_things_is_refused(name: str, value: str) -> None:
    said = refusal_of(toml=f"{name} = {value}")
    assert said.startswith(f"{CONFIG}: {name}: ")
    assert " must be a string" in said


def test_a_table_is_refused() -> None:
    said = refusal_of(toml="[port]\nnumber = 80\n")
    assert said.startswith(f"{CONFIG}: port: ")


@pytest.mark.parametrize(
    "content",
    [
        f"port = {'9' * 5000}",
        f"port = 0x{'f' * 5000}",
        f"listen = {'[' * 5000}",
        'config = "a\\u0000b"',
        'tls-cert = "a\\u0000b"\ntls-key = "a\\u0000b"',
        'tls-cert = "fullchain.pem"\ntls-key = "a\\u0000b"',
    ],
    ids=["long number", "long hex", "deep", "config", "both files", "key"],
)
def test_a_file_that_nobody_writes_is_refused_all_the_same(folder: Path, content: str) -> None:
    write_pair(folder, issue())
    assert refusal_of(toml=content)


@pytest.mark.parametrize("name", ["port", "bind"])
def test_control_bytes_in_a_value_of_the_file_are_escaped(name: str) -> None:
    said = refusal_of(toml=f'{name} = "a\\u001b[31m\\nb"')
    assert r"\x1b[31m" in said
    assert said.startswith(f"{CONFIG}: {name}: 'a")


@pytest.mark.parametrize("content", ["port = 'x'", "port = true", "prot = 1", "port ="])
def test_control_bytes_in_the_name_of_the_file_are_escaped(folder: Path, content: str) -> None:
    name = "a\x1b[31m\nb.toml"
    (folder / name).write_text(content)
    assert r"a\x1b[31m\nb.toml" in refusal_of(f"--config={name}").replace("\\\\", "\\")


@given(st.one_of(st.binary(max_size=30), st.text(max_size=30).map(str.encode)))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_file_gives_settings_or_one_line(folder: Path, content: bytes) -> None:
    try:
        read(toml=content)
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017
