"""A probe of the relay's own URL, up to the health page, without a reactor."""

import socket
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address
from threading import Thread

from vaultrelay.cluster.http_get import connect_tcp, explain_failure, http_get
from vaultrelay.commands.checkup.answers import PAGE_CURES, explain_answer
from vaultrelay.wire.answer import Answer, NotHttp
from vaultrelay.wire.json_object import BadControl, read_object
from vaultrelay.wire.relay_url import RelayUrl

PROBE_SECONDS = 10
"""For name, TCP, TLS and answer together: no app waits for longer."""
_SHOWN_CHARS = 300
_PAGE = "health"


class Unreachable(Exception):
    """Why devices cannot reach a relay under its URL, in a sentence."""


def probe_url(url: RelayUrl, seconds: float = PROBE_SECONDS) -> str:
    """Return a sentence on a relay that answers under its URL. Raises Unreachable for any other."""
    outcome: list[str | Unreachable] = []

    def run() -> None:
        try:
            outcome.append(_probe(url, seconds))
        except Unreachable as error:
            outcome.append(error)

    # A name lookup has no deadline of its own. The thread ends with the process.
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unreachable(f"{url.authority} did not answer within {seconds:g} s.")
    if isinstance(outcome[0], Unreachable):
        raise outcome[0]
    return outcome[0]


def _probe(url: RelayUrl, seconds: float) -> str:
    try:
        entries = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unreachable(
            f"{url.host} has no known address. Is the name correct, and does it exist in DNS?"
        ) from None
    try:
        peer = connect_tcp(url.host, url.port, seconds, with_tls=url.scheme == "wss")
        answer = http_get(peer, url.authority, url.page(_PAGE), seconds)
    except (OSError, NotHttp) as error:
        text = f"port {url.port} of {url.host}: {explain_failure(error)}{_hint(error)}"
        raise Unreachable(text) from None
    version = _read_version(answer, url)
    reach = _reach(str(entry[4][0]) for entry in entries)
    if reach:
        raise Unreachable(f"it answers, but {url.host} is an address of {reach}.")
    return f"A relay of version {version} answers there, seen from this machine."


def _hint(error: OSError | NotHttp) -> str:
    """Return what to check, unless that is a part of the explanation."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                ". The certificate must be valid, be issued for this host, and come from an "
                "authority that devices trust."
            )
        case ssl.SSLError() | NotHttp():
            return ""
        case ConnectionResetError():
            return (
                ". Does the URL begin with ws:// although the port speaks TLS, or does the relay "
                "expect a proxy there (haproxy: in --listen)?"
            )
    return ". Is the relay running, is the port correct, and does the firewall allow it?"


def _read_version(answer: Answer, url: RelayUrl) -> str:
    """Return the version in the answer of a relay. Raises Unreachable for another server."""
    try:
        fields = read_object(answer.body)
        if answer.status == HTTPStatus.OK:
            return ascii(fields.text("version", _SHOWN_CHARS)).strip("'")
        slug, detail = (fields.text(name, _SHOWN_CHARS) for name in ("error", "detail"))
    except BadControl:
        # A redirect leads to where the page is, and the relay is above it.
        location = answer.header("location").partition("?")[0].removesuffix(f"/{_PAGE}")
        answer = Answer(answer.status, {**answer.headers, "location": location})
        raise Unreachable(explain_answer(answer, url, PAGE_CURES)) from None
    if slug == "not_found":
        raise Unreachable(
            f"a relay answers there, but has nothing below the path {url.path} of the URL. Remove "
            "the path from the URL, or configure the proxy to remove it from requests."
        )
    raise Unreachable(
        f"a relay answers there, but refuses the connection with {answer.status} {slug}: {detail}"
    )


def _reach(addresses: Iterable[str]) -> str:
    """Return the only machines that reach these addresses; empty if one of them is public."""
    parsed = [ip_address(address.partition("%")[0]) for address in addresses]
    if all(address.is_loopback for address in parsed):
        return "this machine, which no other can reach"
    if not any(address.is_global for address in parsed):
        return "a private network, which only devices in that network can reach"
    return ""
