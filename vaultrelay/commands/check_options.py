"""The command line of ``vault-relay check``."""

import os
from dataclasses import dataclass, field
from getopt import GetoptError, gnu_getopt
from pathlib import Path

from vaultrelay.commands.checkup.idle import DEFAULT_SECONDS, MOST_SECONDS
from vaultrelay.commands.checkup.url import shown
from vaultrelay.logs import printable
from vaultrelay.policy.access_token import check_spelling
from vaultrelay.wire.relay_url import RelayUrl, has_token, with_token

USAGE = f"""\
Usage: vault-relay check URL [--idle[=SECONDS]] [--strict] [--json]
                             [--token-file FILE]

Tries the relay at a URL such as wss://relay.example.org, step by step: name,
TCP, TLS, HTTP and its clock, the address that the relay sees, upgrade, join,
echo, largest message, a second of throughput. Two devices meet on a channel
made for this check; nobody else is disturbed. A line "warn" is for what works
and should be put right all the same. The exit status is 0 if every step passed.

  --idle[=SECONDS]   Then be silent for so long, {DEFAULT_SECONDS} s unless given, at most
                     {MOST_SECONDS}, to find a proxy that cuts idle connections. The other
                     device goes on, so that a relay that stops is told apart.
  --strict           Exit with 1 for a warning, too.
  --token-file FILE  The relay's access token is the first line of this file.
                     Without it, it is the URL's password, which other users of
                     this machine can read while the check runs, or else the
                     variable RELAY_TOKEN.
  --json             Print one JSON object instead of text.
  --version, --help  Print the version, or this text.

The JSON object has "url" (without token), "passed", "warnings" and "steps".
Each warning has "step", "warning" (a word that stays) and "detail". Each step
that was taken has "step", "verdict" ("pass", "warn", "fail"), "passed",
"seconds", "detail" and "warnings"; if it did not fail, it also has

  url         token               whether one is sent (only if there is a user)
  name        addresses
  tcp         address
  tls         version, cipher, alpn, days_left, old_version (TLS 1.0 or 1.1)
  http        skew_seconds        their clock is so much ahead
  address     seen, from          "connection" or "proxy"; newer relays only
  upgrade     relay               its version
  join        notice, ping_seconds, node  (the relay's name, if it has one)
  echo        milliseconds        min, median, max
  largest     bytes               null: still under way on a slow line
  throughput  megabytes_per_second
  idle        silent_seconds, ping_seconds, cut_after_seconds, forgotten
"""
_FLAGS = ["idle=", "json", "strict", "token-file="]
_VARIABLE = "RELAY_TOKEN"
_TOKEN_BYTES = 4096
"""More than any token has; the file may be something else."""
_EXAMPLE = "wss://relay.example.org"


class BadUsage(Exception):
    """An invalid command line. Its text is for people, and has no token in it."""


@dataclass(frozen=True)
class CheckOptions:
    """The options; the URL includes the token."""

    url: str = field(repr=False)
    idle_seconds: int
    as_json: bool
    is_strict: bool


def read_options(arguments: list[str]) -> CheckOptions:
    """Return the options of a command line. Raises BadUsage if it is invalid."""
    try:
        # The value of --idle is optional, which getopt does not support.
        given, urls = gnu_getopt(
            [f"--idle={DEFAULT_SECONDS}" if each == "--idle" else each for each in arguments],
            "",
            _FLAGS,
        )
    except GetoptError as error:
        raise BadUsage(printable(str(error))) from None
    options = dict(given)
    if "--idle" in arguments and any(map(str.isdecimal, urls)):
        raise BadUsage("check: the seconds of --idle stand behind an equals sign: --idle=120")
    if len(urls) != 1:
        raise BadUsage(f"check takes one URL, such as {_EXAMPLE}")
    return CheckOptions(
        _with_token(_checked(urls[0]), options.get("--token-file")),
        _idle_seconds(options.get("--idle", "0")) if "--idle" in options else 0,
        "--json" in options,
        "--strict" in options,
    )


def _checked(url: str) -> str:
    try:
        RelayUrl.read(url)
    except ValueError as error:
        # The message of urllib may repeat a part of a malformed token.
        said = (
            str(error)
            if "@" not in url
            else (
                "this cannot be read; in wss://any:TOKEN@host, a token with one of / ? # @ : is "
                "written with percent signs"
            )
        )
        raise BadUsage(f"check: '{shown(url)}': {printable(said)}") from None
    return url


def _idle_seconds(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_SECONDS:
        raise BadUsage(f"check: --idle takes seconds from 1 to {MOST_SECONDS}: {printable(text)}")
    return int(text)


def _with_token(url: str, file: str | None) -> str:
    """Return the URL with the token of the file, its own, or that of the variable, in this
    order."""
    if file is not None:
        if has_token(url):
            raise BadUsage("check: there is a token in the URL and one in --token-file")
        return with_token(url, _read_token(file))
    token = os.environ.get(_VARIABLE, "").strip()
    return with_token(url, token) if token and not has_token(url) else url


def _read_token(file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            token = opened.readline(_TOKEN_BYTES).decode("ascii").strip()
    except OSError as error:
        raise BadUsage(f"check: --token-file {printable(file)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadUsage(f"check: --token-file {printable(file)}: this is no token") from None
    if not token:
        raise BadUsage(f"check: --token-file {printable(file)}: its first line is empty")
    try:
        check_spelling(token)
    except ValueError as error:
        raise BadUsage(f"check: --token-file {printable(file)}: its first line {error}") from None
    return token
