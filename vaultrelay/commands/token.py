"""``vault-relay token``: makes access tokens, and lists and revokes those of a relay's file."""

import os
from datetime import UTC, datetime
from difflib import get_close_matches
from getopt import GetoptError, gnu_getopt
from pathlib import Path
from typing import NoReturn

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.hints import print_hint
from vaultrelay.commands.token_file import BadTokenFile, TokenFile, locked
from vaultrelay.logs import printable
from vaultrelay.policy.access_token import new_token, token_line
from vaultrelay.policy.limits import MOST_TOKENS

USAGE = """Usage: vault-relay token new [--label NAME] [--file FILE]
       vault-relay token list [--file FILE]
       vault-relay token revoke LABEL [--file FILE]

Access tokens of a private relay, which reads them from the file of its option
--access-token-file. A running relay takes a change of that file within seconds.

new     Makes a token. Without --file it prints two lines: the token, which is
        kept nowhere, and the line for the relay's file, from which the token
        cannot be found out. With --file it appends the line to that file, which
        is made if it is missing, and prints the token alone.
list    Prints the label and the line number of each token of the file.
revoke  Removes the token with this label from the file. The relay closes its
        sessions. A token without a label is removed with an editor.

What explains the output goes to standard error where the output is no terminal.

  --label NAME  What the relay calls the token: 1 to 32 letters, digits, dots,
                underscores and hyphens. Default token- and the date.
  --file FILE   The relay's file of tokens. For list and revoke, the default is
                the variable RELAY_ACCESS_TOKEN_FILE.
  --help        Print this text.
"""
_VARIABLE = "RELAY_ACCESS_TOKEN_FILE"


def main(arguments: list[str]) -> int:
    """Run the subcommand; return 0, or 2 if it cannot be done."""
    try:
        given, words = gnu_getopt(arguments, "", ["label=", "file=", "help"])
    except GetoptError as error:
        _refuse(str(error))
    options = dict(given)
    if "--help" in options:
        print(USAGE, end="")
        return 0
    try:
        match words:
            case ["new"]:
                _new(options.get("--label"), _file(options) if "--file" in options else None)
            case ["list"] if "--label" not in options:
                _list(_file(options))
            case ["revoke", label] if "--label" not in options:
                _revoke(label, _file(options))
            case _:
                _refuse("token takes new, list, or revoke and a label")
    except BadTokenFile as error:
        stop_with(printable(str(error)))
    return 0


def _new(label: str | None, file: Path | None) -> None:
    token = new_token()
    label = f"token-{datetime.now(UTC):%Y-%m-%d}" if label is None else label
    try:
        line = token_line(label, token)
    except ValueError as error:
        _refuse(f"--label: {label!a}: {error}")
    if file is not None:
        _append(file, label, token, line)
        return
    _show(token)
    print_hint("The line for the relay's file of tokens:")
    print_result(line)


def _append(path: Path, label: str, token: str, line: str) -> None:
    with locked(path):
        tokens = TokenFile(path, may_be_new=True)
        if label in tokens.labels:
            _refuse(f"{printable(str(path))} has a token {label} already; give another --label")
        if len(tokens.lines) >= MOST_TOKENS:
            raise BadTokenFile(f"{path} holds {MOST_TOKENS} tokens, and the relay takes no more")
        # Shown first: a token that is in force but was never shown would be useless.
        _show(token)
        try:
            tokens.append(line)
        except BadTokenFile as error:
            raise BadTokenFile(f"{error}. The token is not valid") from None
    print_hint(f"Its hash is in {printable(str(path))}, under the label {label}.")
    if tokens.is_new:
        print_hint(
            "The file is new, and your user alone can read it: let the relay's user read it too."
        )


def _list(path: Path) -> None:
    tokens = TokenFile(path)
    for line in tokens.lines:
        print_result(f"{line.label or '(no label)':<32}  line {line.number}")
    if not tokens.lines:
        print_hint(f"{printable(str(path))} holds no token.")


def _revoke(label: str, path: Path) -> None:
    with locked(path):
        tokens = TokenFile(path)
        if label not in tokens.labels:
            close = get_close_matches(label, tokens.labels, 1)
            hint = f"did you mean {close[0]}?" if close else "token list prints the labels."
            stop_with(f"{printable(str(path))} has no token '{printable(label)}'; {hint}")
        tokens.remove(label)
    print_hint(f"Revoked {label}. The relay closes its sessions within seconds.")
    if all(line.label == label for line in tokens.lines):
        print_hint(
            "It was the last token: the relay admits nobody now, and does not start with an empty "
            "file."
        )


def _show(token: str) -> None:
    print_hint(
        "The token. It is shown only now; vault-relay invite --with-token puts it into a URL:"
    )
    print_result(token)


def _file(options: dict[str, str]) -> Path:
    file = options.get("--file", os.environ.get(_VARIABLE))
    if not file:
        _refuse(f"name the relay's file of tokens with --file, or in {_VARIABLE}")
    return Path(file)


def _refuse(text: str) -> NoReturn:
    stop_with(f"{text}; see vault-relay token --help")
