"""The completion scripts of the shells, from the declarations of options and commands."""

from collections.abc import Sequence
from shlex import quote
from typing import NamedTuple

from vaultrelay.config.option import Option
from vaultrelay.config.option_kinds import Choice

_PLAIN = ("--help", "--version")


class Command(NamedTuple):
    """A command: its words and flags, and whether it takes the options of the relay."""

    name: str
    help: str
    words: Sequence[str]
    flags: Sequence[str]
    takes_options: bool


def bash(options: Sequence[Option], commands: Sequence[Command]) -> str:
    """Return the completion of bash."""
    flags: dict[str, list[str]] = {}
    for option in (each for each in options if not each.is_switch):
        flags.setdefault(_bash_value(option), []).append(f"--{option.name}")
    values = "".join(
        f"        {'|'.join(names)})\n            {value}\n            return ;;\n"
        for value, names in flags.items()
    )
    names = " ".join([*(f"--{option.name}" for option in options), *_PLAIN])
    cases = "".join(
        f"        {each.name}) words='{' '.join([*each.words, *each.flags])}'"
        f"{' options=1' if each.takes_options else ''} ;;\n"
        for each in commands
    )
    return f"""\
# bash completion for vault-relay.
_vault_relay() {{
    local IFS=$' \\n' current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local words='' options=''
    if [ "$current" = "=" ]; then
        current=''
    elif [ "$previous" = "=" ]; then
        previous=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    COMPREPLY=()
    case $previous in
{values}    esac
    case ${{COMP_WORDS[1]}} in
{cases}        *) options=1 ;;
    esac
    [ "$COMP_CWORD" = 1 ] && words='{" ".join(each.name for each in commands)}' options=1
    [ -n "$options" ] && words="$words {names}"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _vault_relay vault-relay
"""


def _bash_value(option: Option) -> str:
    names = "compopt -o filenames 2>/dev/null; IFS=$'\\n' COMPREPLY=($(compgen {} -- \"$current\"))"
    words = "COMPREPLY=($(compgen -W '{}' -- \"$current\"))"
    return _by_value(option, words, names.format("-f"), names.format("-d"), ":")


def _by_value(option: Option, words: str, file: str, folder: str, other: str) -> str:
    """Return the completion of an option's value; {} in `words` is a list of words."""
    if isinstance(option.kind, Choice):
        return words.format(" ".join(option.kind.words))
    return {"FILE": file, "FOLDER": folder}.get(option.value, other)


def zsh(options: Sequence[Option], commands: Sequence[Command]) -> str:
    """Return the completion of zsh."""
    specs = "\n        ".join([*map(_zsh_option, options), *(f"'{flag}'" for flag in _PLAIN)])
    names = " ".join(f"{each.name}:{quote(each.help)}" for each in commands)
    cases = "".join(
        f"        {each.name}) specs=({' '.join(_zsh_command(each))}) ;;\n" for each in commands
    )
    return f"""\
#compdef vault-relay
_vault_relay() {{
    local -a options specs names
    options=(
        {specs}
    )
    names=({names})
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe command names
        return
    fi
    specs=($options)
    case $words[2] in
{cases}    esac
    [[ $words[2] != -* ]] && {{ shift words; (( CURRENT-- )) }}
    _arguments $specs
}}
if [[ $funcstack[1] == _vault_relay ]]; then
    _vault_relay "$@"
else
    compdef _vault_relay vault-relay
fi
"""


def _zsh_option(option: Option) -> str:
    action = _by_value(option, "({})", "_files", "_files -/", " ")
    text = _first_sentence(option).replace("[", r"\[").replace("]", r"\]").replace(":", r"\:")
    repeats = "*" if option.repeatable else ""
    if option.is_switch:
        return quote(f"--{option.name}[{text}]")
    return quote(f"{repeats}--{option.name}=[{text}]:{option.value}:{action}")


def _zsh_command(command: Command) -> list[str]:
    words = [f"'1:word:({' '.join(command.words)})'"] if command.words else []
    flags = [f"'{flag}'" for flag in command.flags]
    return [*(["$options"] if command.takes_options else []), *flags, *words]


def fish(options: Sequence[Option], commands: Sequence[Command]) -> str:
    """Return the completion of fish."""
    names = " ".join(each.name for each in commands)
    with_options = " ".join(each.name for each in commands if each.takes_options)
    relay = (
        f"'not __fish_seen_subcommand_from {names}; or __fish_seen_subcommand_from {with_options}'"
    )
    lines = ["-f"]
    for each in commands:
        seen = f"-n '__fish_seen_subcommand_from {each.name}'"
        help = _fish_quoted(each.help)
        lines.append(f"-n __fish_is_first_token -a {each.name} -d {help}")
        lines += [f"{seen} -a {word}" for word in each.words]
        lines += [f"{seen} -l {flag[2:]}" for flag in each.flags]
    for option in options:
        value = _by_value(
            option, "-x -a '{}'", "-r -F", "-x -a '(__fish_complete_directories)'", "-x"
        )
        value = "" if option.is_switch else f" {value}"
        help = _fish_quoted(_first_sentence(option))
        lines.append(f"-n {relay} -l {option.name}{value} -d {help}")
    lines += [f"-n {relay} -l {flag[2:]}" for flag in _PLAIN]
    rules = "".join(f"complete -c vault-relay {line}\n" for line in lines)
    return f"# fish completion for vault-relay.\n{rules}"


def _first_sentence(option: Option) -> str:
    return option.help.split(". ")[0].removesuffix(".")


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", r"\\").replace("'", r"\'") + "'"


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
"""By shell."""
