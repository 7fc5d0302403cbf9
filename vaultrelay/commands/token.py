"""``vault-relay token new``: a fresh access token, and the line that makes a relay take it."""

from datetime import UTC, datetime
from getopt import GetoptError, gnu_getopt
from typing import NoReturn

from vaultrelay.commands.asides import aside
from vaultrelay.policy.access_token import new_token, token_line
from vaultrelay.process import stop_with

USAGE = """Usage: vault-relay token new [--label NAME]

Makes an access token for a private relay. Prints two lines: the token, which
is kept nowhere, and the line for the relay's file of tokens, from which the
token cannot be found out. What explains them goes to standard error where the
output is no terminal, so that a program finds the two lines alone.

  --label NAME  What the relay calls the token: 1 to 32 letters, digits, dots,
                underscores and hyphens. Default token- and the date.
  --help        Print this text.
"""


def main(arguments: list[str]) -> int:
    """Make one and print it; 0, or 2 for a bad command line."""
    try:
        given, rest = gnu_getopt(arguments, "", ["label=", "help"])
    except GetoptError as error:
        _refuse(str(error))
    options = dict(given)
    if "--help" in options:
        print(USAGE, end="")
        return 0
    if rest != ["new"]:
        _refuse("token takes one word, which is new")
    token = new_token()
    label = options.get("--label", f"token-{datetime.now(UTC):%Y-%m-%d}")
    try:
        line = token_line(label, token)
    except ValueError as error:
        _refuse(f"--label: {label!a}: {error}")
    aside("The token. It is shown only now; vault-relay invite --with-token puts it into a URL:")
    print(token, flush=True)
    aside("The line for the relay's file of tokens:")
    print(line)
    return 0


def _refuse(text: str) -> NoReturn:
    stop_with(f"{text}; see vault-relay token --help")
