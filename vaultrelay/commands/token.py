"""``vault-relay token``: creates access tokens, and lists and revokes those of a relay's file."""

import os
from argparse import SUPPRESS
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.hints import print_hint
from vaultrelay.commands.parser import Argument, argument, command_parser
from vaultrelay.commands.token_file import BadTokenFile, TokenFile, locked
from vaultrelay.policy.access_token import new_token, token_line
from vaultrelay.policy.limits.access import MAX_TOKENS

_VARIABLE = "RELAY_ACCESS_TOKEN_FILE"


def _file(default: str) -> Argument:
    return argument(
        "--file",
        metavar="FILE",
        default=SUPPRESS,
        help=f"The relay's token file. Default: {default}.",
    )


PARSER = command_parser(
    "token",
    """
A private relay reads its access tokens from the file that --access-token-file sets. A running
relay applies a change of that file within seconds. If standard output is not a terminal, the
explanations go to standard error.
""",
    notes="""
See vault-relay token SUBCOMMAND --help for the options of each. The exit status is 0, or 2 if the
file cannot be used or an argument is invalid.

Examples:

  vault-relay token new --label alice --file /etc/vault-relay/tokens
  vault-relay token list --file /etc/vault-relay/tokens
  vault-relay token revoke alice --file /etc/vault-relay/tokens
""",
    # Options may also be given before the subcommand.
    arguments=(argument("--file", help=SUPPRESS), argument("--label", help=SUPPRESS)),
    subcommands={
        "new": {
            "help": "Create a token.",
            "details": """
Create a token.

Without --file the command prints two lines: the token, which is stored nowhere, and the line for
the relay's file, from which the token cannot be derived. With --file it appends the line to that
file, which it creates if needed, and prints only the token.
""",
            "arguments": (
                argument(
                    "--label",
                    metavar="NAME",
                    default=SUPPRESS,
                    help="The name of the token in the relay's file and log: 1 to 32 letters, "
                    "digits, dots, underscores and hyphens. Default: token- and the date.",
                ),
                _file("none"),
            ),
        },
        "list": {
            "help": "Print the label and the line number of each token.",
            "details": "Print the label and the line number of each token.",
            "arguments": (_file(f"${_VARIABLE}"),),
        },
        "revoke": {
            "help": "Remove a token from the file by its label.",
            "details": """
Remove a token from the file by its label.

The relay closes the token's sessions. To remove a token without a label, edit the file.
""",
            "arguments": (
                argument("label", metavar="LABEL", help="The label of the token."),
                _file(f"${_VARIABLE}"),
            ),
        },
    },
)


def main(arguments: list[str]) -> int:
    """Run the subcommand; return 0, or 2 if it fails."""
    found = PARSER.read(arguments)
    try:
        if found.subcommand == "new":
            _new(found.label, None if found.file is None else _path(found.file))
        elif found.subcommand == "list":
            _list(_path(found.file))
        else:
            _revoke(found.label, _path(found.file))
    except BadTokenFile as error:
        stop_with(error)
    return 0


def _new(label: str | None, path: Path | None) -> None:
    token = new_token()
    label = f"token-{datetime.now(UTC):%Y-%m-%d}" if label is None else label
    try:
        line = token_line(label, token)
    except ValueError as error:
        stop_with(f"--label: '{label}': {error}")
    if path is not None:
        _append(path, label, token, line)
        return
    _print_token(token)
    print_hint("The line for the relay's token file:")
    print_result(line)


def _append(path: Path, label: str, token: str, line: str) -> None:
    with locked(path):
        tokens = TokenFile(path, may_be_new=True)
        if label in tokens.labels:
            stop_with(f"{path} already has a token {label}; choose another --label")
        if len(tokens.lines) >= MAX_TOKENS:
            raise BadTokenFile(f"{path} has {MAX_TOKENS} tokens, the maximum; revoke one")
        # Before the file has it: a valid token that was not printed would be useless.
        _print_token(token)
        try:
            tokens.append(line)
        except BadTokenFile as error:
            raise BadTokenFile(f"{error}. The token is not valid") from None
    print_hint(f"Its hash is in {path}, under the label {label}.")
    if tokens.is_new:
        print_hint(
            "The file is new, and only your user can read it: let the relay's user read it, too."
        )


def _list(path: Path) -> None:
    tokens = TokenFile(path)
    for line in tokens.lines:
        print_result(f"{line.label or '(no label)':<32}  line {line.number}")
    if not tokens.lines:
        print_hint(f"{path} contains no token.")


def _revoke(label: str, path: Path) -> None:
    with locked(path):
        tokens = TokenFile(path)
        if label not in tokens.labels:
            close = get_close_matches(label, tokens.labels, 1)
            hint = f"did you mean {close[0]}?" if close else "see vault-relay token list"
            stop_with(f"{path} has no token '{label}'; {hint}")
        tokens.remove(label)
    print_hint(f"Revoked {label}. The relay closes the token's sessions within seconds.")
    if all(line.label == label for line in tokens.lines):
        print_hint(
            "It was the last token: the relay admits no device now, and does not start with an "
            "empty file. Create a token with vault-relay token new"
        )


def _print_token(token: str) -> None:
    print_hint(
        "The token, which is not printed again; vault-relay invite --with-token puts it into a URL:"
    )
    print_result(token)


def _path(file: str | None) -> Path:
    file = os.environ.get(_VARIABLE) if file is None else file
    if not file:
        stop_with(f"no token file is given; set --file or {_VARIABLE}")
    return Path(file)
