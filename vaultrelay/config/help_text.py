"""The help of the relay: its commands and options, in groups."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from vaultrelay.config.option import Option, by_group

_COLUMN = 28
_WIDTH = 80
_ABOUT = (
    "A relay on which the devices of a VaultMesh vault meet and pass each other ciphertext. It "
    "runs in the foreground and logs to standard error."
)


def help_text(options: Iterable[Option], commands: Mapping[str, str]) -> str:
    """Return the text of --help, without the usage line."""
    lines = [*_wrapped(_ABOUT), ""]
    if commands:
        lines.append("Commands; each has --help:")
        for name, text in commands.items():
            lines += _entry(name, text)
        lines.append("")
    for group, members in by_group(options).items():
        lines.append(f"{group}:")
        for option in members:
            lines += _entry(f"--{option.name} {option.value}", option.full_help)
        lines.append("")
    lines.append("Other:")
    lines += _entry("-V, --version", "Print the version.")
    lines += _entry("-h, --help", "Print this text.")
    for text in notes(options):
        lines += ["", *_wrapped(text)]
    return "\n".join(lines)


def notes(options: Iterable[Option]) -> Iterator[str]:
    """Yield the notes on several options, in paragraphs."""
    options = tuple(options)
    yield (
        "Each option is also a variable, RELAY_PORT for --port, and a name in the TOML file. A "
        "flag overrides a variable, a variable the file. "
        f"{_names(each for each in options if each.repeatable)} may be repeated; their variables "
        "are split at white space, and in the file they are lists, such as "
        'allow-from = ["10.0.0.0/8", "192.0.2.1"].'
    )
    yield (
        "The relay reads its files again when they change, and on SIGHUP. "
        f"{_names(each for each in options if not each.live)} take a restart."
    )


def _names(options: Iterable[Option]) -> str:
    *names, last = (f"--{option.name}" for option in options)
    return f"{', '.join(names)} and {last}"


def _entry(head: str, text: str) -> list[str]:
    indent = " " * _COLUMN
    wrapped = textwrap.wrap(text, _WIDTH - _COLUMN, break_on_hyphens=False)
    first = f"  {head}".ljust(_COLUMN)
    return [first + wrapped[0], *(indent + line for line in wrapped[1:])]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_on_hyphens=False)
