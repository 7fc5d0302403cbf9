"""The arguments of ``vault-relay check``, and the sources of the access token."""

import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from vaultrelay.certificates.regular_file import unreadable_reason
from vaultrelay.commands.checkup.idle import DEFAULT_SECONDS, MAX_SECONDS
from vaultrelay.commands.checkup.url import shown
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.policy.access_token import check_spelling
from vaultrelay.wire.relay_url import RelayUrl, has_token, with_token

_VARIABLE = "RELAY_TOKEN"
_TOKEN_BYTES = 4096
"""More than any token has; the file may be something else."""
_EXAMPLE = "wss://relay.example.org"


@dataclass(frozen=True)
class CheckOptions:
    """The options; the URL includes the token."""

    url: str = field(repr=False)
    idle: int
    json: bool
    strict: bool


def _url(url: str) -> str:
    try:
        RelayUrl.read(url)
    except ValueError as error:
        # The message of urllib may repeat a part of a malformed token.
        reason = (
            "this is not a URL; percent-encode / ? # @ : in the token of wss://any:TOKEN@host"
            if "@" in url
            else str(error)
        )
        raise ArgumentTypeError(f"'{shown(url)}': {reason}") from None
    return url


def _idle_seconds(text: str) -> int:
    is_number = text.isdecimal() and len(text) <= len(str(MAX_SECONDS))
    if not is_number or not 0 < int(text) <= MAX_SECONDS:
        raise ArgumentTypeError(f"'{text}' must be a number of seconds from 1 to {MAX_SECONDS}")
    return int(text)


PARSER = command_parser(
    "check",
    """
The steps are: name resolution, TCP, TLS, HTTP and its clock, the client address as the relay sees
it, upgrade, join, echo, the largest message, one second of throughput, and the mailbox: whether the
relay has one, and stores, delivers and erases an item. Two devices meet in a channel that exists
for this test only; other devices are not disturbed. A line that begins with "warn" reports a
problem to correct in a step that passed.
""",
    notes="""
The exit status is 0 if every step passed, 1 if not, and 2 for invalid arguments.

The token of a private relay comes from --token-file; without it from the password of the URL, which
other users of this machine can read while the test runs; or else from the variable RELAY_TOKEN.

The JSON object has "url" (without the token), "passed", "warnings" and "steps". Each warning has
"step", "warning" (a fixed word) and "detail". Each step has "step", "verdict" ("pass", "warn" or
"fail"), "passed", "seconds", "detail" and "warnings". A step that passed also has:

  url         token               whether one is sent (only if there is a user)
  name        addresses
  tcp         address
  tls         version, cipher, alpn, days_left, old_version (TLS 1.0 or 1.1)
  http        skew_seconds        by which the relay's clock is ahead
  address     seen, from          "connection" or "proxy"; newer relays only
  upgrade     relay               the version of the relay
  join        notice, ping_seconds, node (the name of the relay, if any)
  echo        milliseconds        min, median, max
  largest     bytes               null: not complete yet on a slow line
  throughput  megabytes_per_second
  mailbox     mailbox             its limits, as in welcome; null: the relay has none
  idle        silent_seconds, ping_seconds, cut_after_seconds, forgotten

Examples:

  vault-relay check wss://relay.example.org
  vault-relay check --idle --strict --token-file token wss://relay.example.org
""",
    unexpected=f"check takes one URL, such as {_EXAMPLE}",
    arguments=(
        argument("url", metavar="URL", type=_url, help=f"The relay's URL, such as {_EXAMPLE}."),
        argument(
            "--idle",
            metavar="SECONDS",
            nargs="?",
            type=_idle_seconds,
            default=0,
            help="Then send nothing on one connection for this time, to find a proxy that cuts "
            f"idle connections: --idle for {DEFAULT_SECONDS} s, --idle=SECONDS for 1 to "
            f"{MAX_SECONDS} s. The other device keeps sending, which shows whether the relay "
            "itself stopped.",
        ),
        argument("--strict", action="store_true", help="Exit with 1 for a warning, too."),
        argument("--json", action="store_true", help="Print one JSON object instead of text."),
        argument(
            "--token-file", metavar="FILE", help="A file with the access token on its first line."
        ),
    ),
)


def read_options(arguments: Sequence[str]) -> CheckOptions:
    """Return the options. Exits with a line and status 2 if one is invalid."""
    if any(flag == "--idle" and value.isdecimal() for flag, value in pairwise(arguments)):
        PARSER.error("--idle: write the seconds after an equals sign, such as --idle=120")
    # argparse would take a URL after --idle for its value.
    found = PARSER.read(
        [f"--idle={DEFAULT_SECONDS}" if each == "--idle" else each for each in arguments]
    )
    try:
        url = _with_token(found.url, found.token_file)
    except ValueError as error:
        PARSER.error(str(error))
    return CheckOptions(url, found.idle, found.json, found.strict)


def _with_token(url: str, file: str | None) -> str:
    """Return the URL with the token of the file, its own, or that of the variable, in this
    order."""
    if file is None:
        token = os.environ.get(_VARIABLE, "").strip()
        return with_token(url, token) if token and not has_token(url) else url
    if has_token(url):
        raise ValueError("both the URL and --token-file contain a token; remove one of them")
    try:
        with Path(file).open("rb") as opened:
            token = opened.readline(_TOKEN_BYTES).decode("ascii", "replace").strip()
        if not token:
            raise ValueError("is empty")
        check_spelling(token)
    except OSError as error:
        raise ValueError(
            f"--token-file: '{file}' cannot be read: {unreadable_reason(Path(file), error)}"
        ) from None
    except ValueError as error:
        raise ValueError(f"--token-file: the first line of '{file}' {error}") from None
    return with_token(url, token)
