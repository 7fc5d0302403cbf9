"""Reaching a relay under its URL, up to its health page."""

import socket
import ssl
from collections.abc import Iterable
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPSConnection,
    RemoteDisconnected,
)
from ipaddress import ip_address
from threading import Thread

from vaultrelay.client.device import RelayUrl
from vaultrelay.cluster.bounded_answer import BoundedAnswer
from vaultrelay.commands.checkup.answers import PAGE_CURES, explain_answer
from vaultrelay.commands.checkup.http import Answer
from vaultrelay.policy.limits import NODE_STATUS_BYTES
from vaultrelay.policy.tls_reasons import CURES, describe_tls_reason
from vaultrelay.wire.json_object import BadControl, read_object

REACH_SECONDS = 10
"""For name, TCP, TLS and answer together: no app waits for longer."""
_SHOWN_CHARS = 300
_OK = 200
_PAGE = "/health"
_TLS_ALERT = "\x15\x03"


class Unreachable(Exception):
    """Why devices cannot reach a relay under its URL, in a sentence."""


def reach(url: RelayUrl, seconds: float = REACH_SECONDS) -> str:
    """Return a sentence on a relay that answers under its URL. Raises Unreachable for any other."""
    outcome: list[str | Unreachable] = []

    def take() -> None:
        try:
            outcome.append(_answer(url, seconds))
        except Unreachable as error:
            outcome.append(error)

    # Looking a name up has no deadline of its own. The thread ends with the process.
    thread = Thread(target=take, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unreachable(f"nothing came from {url.authority} within {seconds:g} s.")
    if isinstance(outcome[0], Unreachable):
        raise outcome[0]
    return outcome[0]


def _answer(url: RelayUrl, seconds: float) -> str:
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unreachable(
            f"no address is known for {url.host}. Is the name right, and does DNS know it?"
        ) from None
    version = _version(url, seconds)
    where = _where(str(entry[4][0]) for entry in found)
    if where:
        raise Unreachable(f"it answers, but {url.host} is an address of {where}.")
    return f"A relay of version {version} answers there, seen from this machine."


def _version(url: RelayUrl, seconds: float) -> str:
    """Return the version on the relay's health page."""
    where = f"port {url.port} of {url.host}"
    try:
        answer = _ask(url, seconds)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"devices refuse its certificate: {error.verify_message}. It must be valid, for "
            f"{url.host}, and of an issuer that devices know."
        ) from None
    except ssl.SSLError as error:
        cure = CURES.get(error.reason or "", "Does the relay serve TLS there?")
        raise Unreachable(
            f"TLS fails on {where}: {describe_tls_reason(error.reason)}. {cure}"
        ) from None
    except RemoteDisconnected:
        raise Unreachable(
            f"{where} closes the connection without an answer. Does the URL begin with ws:// where "
            "TLS is spoken, or does the relay expect a proxy there (haproxy: in --listen)?"
        ) from None
    except OSError as error:
        cause = (error.strerror or str(error) or type(error).__name__).lower()
        raise Unreachable(
            f"{where} does not answer: {cause}. Is the relay running, is the port right, does a "
            "firewall let it through?"
        ) from None
    except BadStatusLine as error:
        speaks = "TLS: the URL begins with wss://" if _TLS_ALERT in str(error) else "no HTTP"
        raise Unreachable(f"what answers on {where} speaks {speaks}. Is the port right?") from None
    except HTTPException:
        raise Unreachable(f"what is on {where} answers in broken HTTP.") from None
    return _read_version(answer, url)


def _ask(url: RelayUrl, seconds: float) -> Answer:
    kind = HTTPSConnection if url.scheme == "wss" else HTTPConnection
    connection = kind(url.host, url.port, timeout=seconds)
    connection.response_class = BoundedAnswer
    try:
        connection.request("GET", url.path.rstrip("/").removesuffix("/v3") + _PAGE)
        page = connection.getresponse()
        headers = {name.lower(): value for name, value in page.getheaders()}
        return Answer(page.status, headers, page.read(NODE_STATUS_BYTES), None, None)
    finally:
        connection.close()


def _read_version(answer: Answer, url: RelayUrl) -> str:
    """Return the version in the answer of a relay. Raises Unreachable for another server."""
    try:
        told = read_object(answer.body)
        if answer.status == _OK:
            return ascii(told.text("version", _SHOWN_CHARS)).strip("'")
        slug, detail = (told.text(name, _SHOWN_CHARS) for name in ("error", "detail"))
    except BadControl:
        # A redirect leads to where the page is, and the relay is above it.
        location = answer.header("location").partition("?")[0].removesuffix(_PAGE)
        headers = {**answer.headers, "location": location}
        found = Answer(answer.status, headers, b"", None, None)
        raise Unreachable(explain_answer(found, url, PAGE_CURES)) from None
    if slug == "not_found":
        raise Unreachable(
            f"a relay answers there, and has nothing below the path {url.path} of the URL. Leave "
            "the path out, or let the proxy take it off before it sends a request on."
        )
    raise Unreachable(f"a relay answers there, and refuses with {answer.status} {slug}: {detail}")


def _where(addresses: Iterable[str]) -> str:
    """Return from where alone these addresses are reachable; empty if one of them is public."""
    found = [ip_address(address.partition("%")[0]) for address in addresses]
    if all(address.is_loopback for address in found):
        return "this machine, which no other can reach"
    if not any(address.is_global for address in found):
        return "a private network, which only devices in that network can reach"
    return ""
