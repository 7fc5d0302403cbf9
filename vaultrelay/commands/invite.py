"""``vault-relay invite``: the relay's URL for the app, as text and as a QR code."""

import os
import shutil
import sys
from getpass import getpass
from typing import ClassVar

from vaultrelay.app.process import stop_with
from vaultrelay.app.stdio import print_result
from vaultrelay.app.tap import Options
from vaultrelay.commands.hints import print_hint
from vaultrelay.commands.own_url import find_url
from vaultrelay.commands.qr_code import qr_lines
from vaultrelay.commands.reachability import Unreachable, probe_url
from vaultrelay.config.given import BadOption
from vaultrelay.logs import printable
from vaultrelay.policy.access_token import check_spelling
from vaultrelay.wire.relay_url import RelayUrl, with_token

USAGE = """Usage: vault-relay invite [--with-token] [--no-qr] [options of the relay]

Prints the URL under which devices reach the relay, to be entered or scanned in
the app, and tries it. The URL is the relay's --public-url, given as a flag, a
variable or in the file of --config; or else a name from its certificate; or
else a guess. The exit status is 0 only if a relay answers there, under an
address that is reached from everywhere. What explains the URL goes to standard
error where the output is no terminal.

  --with-token  Put an access token into the URL. It is asked for, or read from
                standard input where that is no terminal. It cannot be given on
                the command line, which other users of the machine can see and
                the shell keeps.
  --no-qr       Print the URL alone.
  --help        Print this text.
"""
_LONGEST_LINE = 4096


class InviteOptions(Options):
    """The relay's options, and those of the command."""

    switches: ClassVar = ("with-token", "no-qr")

    def parseArgs(self, *args: str) -> None:
        if args:
            # Not shown: it may be a token.
            raise BadOption(
                "invite takes options alone. A token is asked for, and not given on the command "
                "line; see vault-relay invite --help"
            )

    def __str__(self) -> str:
        return USAGE


def main(arguments: list[str]) -> int:
    """Print and try the URL; return 0 if it is reached from everywhere, 2 for a bad command
    line."""
    options = InviteOptions()
    options.parseOptions(arguments)
    url, origin = find_url(options.settings)
    token = _read_token() if "with-token" in options.flags else ""
    invitation = with_token(url, token) if token else url
    print_hint(f"Enter this URL in the VaultMesh app, or scan it. It is {origin}.")
    print_result(invitation)
    if "no-qr" not in options.flags:
        _print_code(invitation)
    try:
        print_hint(probe_url(RelayUrl.read(url)))
    except Unreachable as error:
        print_hint(f"Not reachable as given: {printable(str(error))}")
        return 1
    return 0


def _read_token() -> str:
    is_typed = sys.stdin.isatty()
    try:
        said = getpass("Access token: ") if is_typed else sys.stdin.readline(_LONGEST_LINE)
    except (EOFError, UnicodeDecodeError):
        said = ""
    token = said.strip()
    if not token:
        stop_with("--with-token: no token came")
    try:
        check_spelling(token)
    except ValueError as error:
        stop_with(f"--with-token: what came {error}")
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
