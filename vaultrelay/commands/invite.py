"""``vault-relay invite``: the relay's URL for the app, as text and as a QR code."""

import os
import shutil
import sys
from contextlib import suppress
from getpass import getpass

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.hints import print_hint
from vaultrelay.commands.own_url import find_url
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.commands.qr_code import qr_lines
from vaultrelay.commands.reachability import Unreachable, probe_url
from vaultrelay.commands.relay_options import RELAY_OPTIONS, relay_flags
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings_reader import SettingsReader
from vaultrelay.policy.access_token import check_spelling
from vaultrelay.wire.relay_url import RelayUrl, with_token

PARSER = command_parser(
    "invite",
    """
Takes the options of the relay (see vault-relay --help), and connects to the URL as a test. The URL
is the relay's --public-url, given as a flag, a variable or in the file of --config; without one, a
name from its certificate; without that, a guess from the addresses of this machine.
""",
    notes="""
If standard output is not a terminal, the explanations go to standard error.

The exit status is 0 if a relay answers at the URL and its address can be reached from everywhere, 1
if not, and 2 for invalid options or arguments.

Examples:

  vault-relay invite --public-url wss://relay.example.org
  vault-relay invite --with-token --config /etc/vault-relay/relay.toml
""",
    # The argument is not printed: it may be a token.
    unexpected="invite takes options only; enter a token when --with-token asks for it, and not on "
    "the command line",
    arguments=(
        argument(
            "--with-token",
            action="store_true",
            help="Put an access token into the URL. The command asks for it, or reads it from "
            "standard input if that is not a terminal. The command line cannot contain it: other "
            "users of this machine could read it, and the shell would keep it in its history.",
        ),
        argument("--no-qr", action="store_true", help="Print the URL without a QR code."),
        *RELAY_OPTIONS,
    ),
)
_MAX_LINE = 4096


def main(arguments: list[str]) -> int:
    """Print and try the URL; return 0 if it is reached from everywhere, 1 if not, 2 for invalid
    arguments."""
    found = PARSER.read(arguments)
    try:
        settings = SettingsReader(relay_flags(found), os.environ, real_reactor()).read()
    except BadOption as error:
        stop_with(error)
    url, origin = find_url(settings)
    invitation = with_token(url, _read_token()) if found.with_token else url
    print_hint(f"Enter this URL in the VaultMesh app, or scan it. It is {origin}.")
    print_result(invitation)
    if not found.no_qr:
        _print_code(invitation)
    try:
        print_hint(probe_url(RelayUrl.read(url)))
    except Unreachable as error:
        print_hint(f"This URL may not work: {error}")
        return 1
    return 0


def _read_token() -> str:
    token = ""
    with suppress(EOFError, UnicodeDecodeError):
        if sys.stdin.isatty():
            token = getpass("Access token: ").strip()
        else:
            token = sys.stdin.readline(_MAX_LINE).strip()
    if not token:
        stop_with("--with-token: the input has no token; enter one, or pipe it to the command")
    try:
        check_spelling(token)
    except ValueError as error:
        stop_with(f"--with-token: the input {error}")
    return token


def _print_code(text: str) -> None:
    out = sys.stdout
    coloured = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        lines = qr_lines(text, out, coloured)
    except ValueError:
        print_hint("The URL is too long for a QR code.")
        return
    if out.isatty() and shutil.get_terminal_size().columns < len(qr_lines(text, out, False)[0]):
        print_hint("The terminal is too narrow for the QR code.")
        return
    print("\n".join(lines), flush=True)
