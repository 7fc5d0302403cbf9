"""Code blocks of the documents: their syntax, and the options and commands that they name."""

import ast
import re
import runpy
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documents.code_blocks import PAGES, ROOT, Block, blocks, commands, shell
from vaultrelay.commands import COMMANDS

LANGUAGES = {"console", "ini", "json", "python", "sh", "text", "toml", "yaml"}
DECLARED: dict[str, Any] = runpy.run_path(str(ROOT / "docs/_ext/declared.py"))
BY_NAME: dict[str, Any] = {option.name: option for option in DECLARED["options"]()}
FLAGS: dict[str, dict[str, str]] = {
    name: {
        flag.removeprefix("--"): str(each.metavar) if each.nargs is None else ""
        for each in import_module(f"vaultrelay.commands.{name}").PARSER.all_arguments
        for flag in each.option_strings
    }
    for name in COMMANDS
}
FLAGS["run"] = {name: option.value for name, option in BY_NAME.items()} | {
    "version": "",
    "help": "",
}
"""By command: whether each of its flags has a value."""
IMAGE = "vaultmesh-relay:latest"


def found(*languages: str) -> list[Block]:
    """The blocks in these languages, read by each test. As parameters, every worker would read all
    pages when it collects the tests."""
    chosen = [block for page in PAGES for block in blocks(page) if block.language in languages]
    assert chosen
    return chosen


def test_a_block_names_a_language_that_is_checked() -> None:
    for page in PAGES:
        assert {block.language for block in blocks(page)} <= LANGUAGES, page


def test_the_shell_can_parse_it() -> None:
    for block in found("sh", "console"):
        done = subprocess.run(
            ["sh", "-n"],
            input=shell(block),
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
        assert (done.returncode, done.stderr) == (0, ""), block


def test_its_relay_commands_and_flags_exist() -> None:
    for block in found("sh", "console"):
        for command in commands(shell(block)):
            for arguments in relay_arguments(command):
                check_arguments(arguments)


def test_toml_has_options_as_keys() -> None:
    for block in found("toml"):
        for name, value in tomllib.loads(block.text).items():
            assert name in BY_NAME, block
            assert isinstance(value, list) <= BY_NAME[name].repeatable, block


def test_an_environment_file_has_variables_of_options() -> None:
    variables = {option.variable for option in BY_NAME.values()}
    for block in found("ini"):
        for line in block.text.splitlines():
            assert line.partition("=")[0] in variables, block
            assert line.count("=") >= 1, block


def test_yaml_parses() -> None:
    for block in found("yaml"):
        assert isinstance(yaml.safe_load(block.text), dict), block


def test_python_compiles() -> None:
    for block in found("python"):
        compile(
            block.text, block.page, "exec", dont_inherit=True, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("vault-relay check ws://x | head -1", [["check", "ws://x"]]),
        ("cd x && /opt/bin/vault-relay --port 1 > log", [["--port", "1"]]),
        ("A=b vault-relay token list", [["token", "list"]]),
        ("docker exec vaultmesh-relay vault-relay status", [["status"]]),
        (f"docker run --rm {IMAGE} \\\n  --port 1", [["--port", "1"]]),
        ("twistd --nodaemon vault-relay --port 1", [["--port", "1"]]),
        ("systemctl restart vault-relay", []),
    ],
)
def test_commands_of_the_relay_are_found(line: str, arguments: list[list[str]]) -> None:
    assert [each for command in commands(line) for each in relay_arguments(command)] == arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["chekc"],
        ["--prot", "1"],
        ["check", "--json=1"],
        ["invite", "--prot=1"],
        ["--port", "--admin"],
    ],
)
def test_a_slip_in_a_command_is_found(arguments: list[str]) -> None:
    with pytest.raises(AssertionError):
        check_arguments(arguments)


def relay_arguments(command: list[str]) -> Iterator[list[str]]:
    """The words after `vault-relay`, or after the name of its image, if that is what is run."""
    words = command
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if words[:1] == ["docker"] and IMAGE in words:
        yield words[words.index(IMAGE) + 1 :]
    elif words and words[0] in ("docker", "twistd") and "vault-relay" in words:
        yield words[words.index("vault-relay") + 1 :]
    elif words and Path(words[0]).name == "vault-relay":
        yield words[1:]


def check_arguments(arguments: list[str]) -> None:
    name = "run"
    if arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
    assert name in FLAGS, name
    value = ""
    for word in arguments:
        if word.startswith("--"):
            assert not value, f"--{value} without a value"
            flag, is_one, _ = word[2:].partition("=")
            assert flag in FLAGS[name], f"{name} {word}"
            assert not is_one or FLAGS[name][flag], word
            value = "" if is_one or not FLAGS[name][flag] else flag
        else:
            value = ""
    assert not value, f"--{value} without a value"
