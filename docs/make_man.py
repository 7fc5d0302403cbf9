"""Makes vault-relay.1, the man page, from the declarations of options and commands::

python docs/make_man.py            write vault-relay.1 beside this file
python docs/make_man.py --check    write nothing; exit 1 when the file differs
"""

import textwrap
from argparse import SUPPRESS
from collections.abc import Iterable
from importlib import import_module
from itertools import groupby
from pathlib import Path

from vaultrelay import __version__
from vaultrelay.commands import COMMANDS
from vaultrelay.commands.parser import CommandParser, heading
from vaultrelay.commands.parser import paragraphs as split
from vaultrelay.config.option import Option
from vaultrelay.config.settings import OPTIONS

TARGET = Path(__file__).with_name("vault-relay.1")

_WIDTH = 72

DATE = "2026-11-22"
"""Of the last release; a man page must have one."""
DESCRIPTION = """
A WebSocket relay that passes encrypted messages between the devices of a VaultMesh vault. It
cannot read them, and has no accounts. It stores none of them unless --mailbox is set.

Without a command it runs in the foreground, and logs to standard error. Each option is also an
environment variable, and a key of the TOML file of --config. A flag overrides a variable, a
variable the file.
"""
EXIT_STATUS = (
    ("0", "The relay stopped cleanly, or the command succeeded."),
    ("1", "A command failed or found a fault, and reported it."),
    (
        "2",
        (
            "The configuration is invalid: an option, a file, or an address that the relay cannot "
            "listen on. One line reports the error."
        ),
    ),
)
SIGNALS = (
    (
        "SIGTERM, SIGINT, SIGQUIT, SIGPWR, SIGXCPU",
        (
            "Drain and stop: announce it to all devices and close them within --drain-seconds. A "
            "second signal closes all connections at once."
        ),
    ),
    ("SIGHUP", "Reload certificates, lists and settings. Permitted connections stay open."),
    (
        "SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, real-time signals",
        "Logged and ignored.",
    ),
)
FILES = (
    ("/etc/vault-relay/environment", "The options of the systemd service, as variables."),
    (
        "$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/vault-relay, $TMPDIR/vault-relay-UID",
        (
            "The runtime folder: the first of these that exists, unless --runtime-folder sets "
            "one. It has a unix socket for each relay of the user, named after the relay's ports, "
            "which answers GET /health and GET /ready. Only the relay's user can access it."
        ),
    ),
)
ENVIRONMENT = (
    (
        "RELAY_...",
        (
            "Every option: RELAY_PORT for --port, RELAY_PUBLIC_URL for --public-url. Variables of "
            "repeatable options are split on white space; in the --config file they are lists. An "
            "empty variable counts as unset."
        ),
    ),
    ("NO_COLOR", "If set, invite prints no colours."),
)
EXAMPLES = (
    ("A relay with TLS:", "vault-relay --port 443 --tls-cert fullchain.pem --tls-key privkey.pem"),
    (
        "A relay behind a proxy on the same machine:",
        (
            "vault-relay --bind 127.0.0.1 --public-url wss://relay.example.org "
            "--trusted-proxy 127.0.0.1"
        ),
    ),
    ("Check it from another machine:", "vault-relay check wss://relay.example.org"),
    ("In a container image:", "HEALTHCHECK CMD vault-relay healthcheck"),
    (
        "A new access token in the relay's file, and the URL with it:",
        (
            "vault-relay token new --label alice --file /etc/vault-relay/tokens\n"
            "vault-relay invite --with-token --public-url wss://relay.example.org"
        ),
    ),
)


def page() -> str:
    """The whole page, in roff with the macros of man(7)."""
    lines = [
        f'.TH VAULT-RELAY 1 "{DATE}" "vault-relay {__version__}" "VaultMesh relay"',
        ".nh",
        ".ad l",
        *section(
            "NAME", [r"vault\-relay \- WebSocket relay between the devices of a VaultMesh vault"]
        ),
        *section("SYNOPSIS", synopsis()),
        *section("DESCRIPTION", paragraphs(DESCRIPTION)),
        *section("COMMANDS", [line for name in COMMANDS for line in command(name)]),
        *section("OPTIONS", options(OPTIONS)),
    ]
    for title, items in (
        ("EXIT STATUS", EXIT_STATUS),
        ("SIGNALS", SIGNALS),
        ("FILES", FILES),
        ("ENVIRONMENT", ENVIRONMENT),
    ):
        lines += section(title, [line for entry in items for line in item(*entry)])
    lines += section("EXAMPLES", [line for entry in EXAMPLES for line in example(*entry)])
    return "\n".join(lines) + "\n"


def section(title: str, lines: list[str]) -> list[str]:
    """A section of the page."""
    # A paragraph begins with its section.
    return [f".SH {title}", *(lines[1:] if lines[0] == ".PP" else lines)]


def synopsis() -> list[str]:
    """The program without and with each command."""
    parsers = [parser for name in COMMANDS for parser in with_subcommands(name)]
    usages = ["vault-relay [options]", *(each.synopsis for each in parsers if not each.subcommands)]
    return [line for usage in usages for line in (escaped(usage), ".br")][:-1]


def options(declared: Iterable[Option]) -> list[str]:
    """The relay's own options in their groups."""
    lines = []
    for group, members in groupby(declared, lambda option: option.group):
        lines.append(f".SS {group}")
        for option in members:
            text = " ".join(filter(None, (option.full_help, option.reload_note)))
            lines += item(option.flag, text)
    for head, text in (
        ("-V, --version", "Print the version."),
        ("-h, --help", "Print a summary."),
    ):
        lines += item(head, text)
    return lines


def command(name: str) -> list[str]:
    """Return the section of a command, with its subcommands."""
    lines = [f".SS {name}"]
    for parser in with_subcommands(name):
        lines += [*([".PP"] if lines[1:] else []), f".B {escaped(parser.synopsis)}"]
        lines += blocks(parser.details)
        for argument in parser.arguments:
            if argument.help not in (None, SUPPRESS):
                lines += item(heading(argument), str(argument.help))
        lines += blocks(parser.notes)
    return lines


def with_subcommands(name: str) -> list[CommandParser]:
    """Return the parsers of a command and of its subcommands."""
    parser: CommandParser = import_module(f"vaultrelay.commands.{name}").PARSER
    return [parser, *parser.subcommands.values()]


def blocks(text: str) -> list[str]:
    """Return the paragraphs of a help; an indented one keeps its lines."""
    lines = []
    for block in filter(None, split(text)):
        lines += as_it_stands(block) if block.startswith(" ") else [".PP", *running(block)]
    return lines


def paragraphs(text: str) -> list[str]:
    """Paragraphs of running text."""
    return [line for block in text.strip().split("\n\n") for line in (".PP", *running(block))]


def item(head: str, text: str) -> list[str]:
    """What is explained, and its explanation."""
    return [".TP", f".B {escaped(head)}", *running(text)]


def example(text: str, code: str) -> list[str]:
    """A command line, and what it is for."""
    return [".PP", *running(text), *as_it_stands(code)]


def as_it_stands(text: str) -> list[str]:
    """Text whose lines and columns mean something."""
    lines = [escaped(line.rstrip()) for line in textwrap.dedent(text).splitlines()]
    return [".PP", ".RS", ".nf", *lines, ".fi", ".RE"]


def running(text: str) -> list[str]:
    """Text in lines of a length at which changes can be read."""
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH, break_on_hyphens=False)
    return [escaped(line) for line in lines]


def escaped(text: str) -> str:
    """`text` as roff shows it unchanged: flags with hyphens that can be copied."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{text}" if text.startswith(".") else text


if __name__ == "__main__":
    TARGET.write_text(page())
