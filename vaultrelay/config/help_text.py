"""The text of --help: the commands of the program, and its options in groups."""

import textwrap
from collections.abc import Iterable, Mapping
from itertools import groupby

from vaultrelay.config.option import Option

_COLUMN = 28
_WIDTH = 80
_DESCRIPTION = (
    "A relay through which the devices of a VaultMesh vault exchange encrypted messages. It runs "
    "in the foreground and logs to standard error."
)
_PRECEDENCE = (
    "Each option can also be set by an environment variable, such as RELAY_PORT for --port, or by "
    "a key of the TOML file. A flag overrides a variable, and a variable overrides the file. "
    "{repeatable} may be repeated: separate the values of their variables by white space, and "
    "write lists in the file, such as "
    'allow-from = ["10.0.0.0/8", "192.0.2.1"].'
)
_RELOAD = (
    "The relay rereads its files when they change, and on SIGHUP. Changes of {not_live} require a "
    "restart."
)


def help_text(options: Iterable[Option], commands: Mapping[str, str]) -> str:
    """Return the text of --help, without the usage line."""
    options = tuple(options)
    blocks = [_fill(_DESCRIPTION)]
    if commands:
        blocks.append(_section("Commands; each has --help", commands))
    for group, members in groupby(options, lambda option: option.group):
        heads = {each.flag: each.full_help for each in members}
        blocks.append(_section(group, heads))
    other = {"-V, --version": "Print the version.", "-h, --help": "Print this help."}
    blocks.append(_section("Other", other))
    repeatable = _enumeration(each for each in options if each.repeatable)
    blocks.append(_fill(_PRECEDENCE.format(repeatable=repeatable)))
    not_live = _enumeration(each for each in options if not each.live)
    blocks.append(_fill(_RELOAD.format(not_live=not_live)))
    return "\n\n".join(blocks)


def _section(title: str, texts: Mapping[str, str]) -> str:
    return "\n".join((f"{title}:", *(_entry(f"  {head}", text) for head, text in texts.items())))


def _entry(head: str, text: str) -> str:
    if len(head) + 2 > _COLUMN:
        # As argparse does.
        return f"{head}\n{_fill(text, ' ' * _COLUMN, _COLUMN)}"
    return _fill(text, head.ljust(_COLUMN), _COLUMN)


def _fill(text: str, head: str = "", indent: int = 0) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def _enumeration(options: Iterable[Option]) -> str:
    *names, last = (f"--{option.name}" for option in options)
    return f"{', '.join(names)} and {last}"
