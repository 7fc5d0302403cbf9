"""Reaching a relay under its URL, as far as its health page."""

import json
import socket
import ssl
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from threading import Thread

from vaultrelay.client.device import RelayUrl
from vaultrelay.policy.tls_reasons import CURES, words_of

REACH_SECONDS = 10
"""For name, TCP, TLS and answer together: no app waits for longer."""
_PAGE_BYTES = 64 * 1024


class Unreachable(Exception):
    """Why devices do not reach a relay under its URL, in a sentence."""


def reach(url: RelayUrl, seconds: float = REACH_SECONDS) -> str:
    """What to say of a relay that answers under its URL; Unreachable for any other."""
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
    """What the relay's health page says of its version."""
    path = url.path.rstrip("/").removesuffix("/v3") + "/health"
    connection = (HTTPSConnection if url.scheme == "wss" else HTTPConnection)(
        url.host, url.port, timeout=seconds
    )
    try:
        connection.request("GET", path)
        page = connection.getresponse()
        told = json.loads(page.read(_PAGE_BYTES))
        version = told["version"]
        is_relay = page.status == 200 and isinstance(version, str)  # noqa: PLR2004
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"devices refuse its certificate: {error.verify_message}. It must be valid, for "
            f"{url.host}, and of an issuer that devices know."
        ) from None
    except ssl.SSLError as error:
        cure = CURES.get(error.reason or "", "Does the relay serve TLS there?")
        raise Unreachable(
            f"TLS fails on port {url.port} of {url.host}: {words_of(error.reason)}. {cure}"
        ) from None
    except OSError as error:
        cause = (error.strerror or str(error) or type(error).__name__).lower()
        raise Unreachable(
            f"port {url.port} of {url.host} does not answer: {cause}. Is the relay running, is "
            "the port right, does a firewall let it through?"
        ) from None
    except (HTTPException, ValueError, KeyError, TypeError, RecursionError):
        is_relay = False
    finally:
        connection.close()
    if not is_relay:
        raise Unreachable(f"what answers on port {url.port} of {url.host} is not a relay.")
    return ascii(version).strip("'")


def _where(addresses: Iterable[str]) -> str:
    """From where alone these addresses are reached; nothing if one of them is public."""
    found = [ip_address(address.partition("%")[0]) for address in addresses]
    if all(address.is_loopback for address in found):
        return "this machine, which no other can reach"
    if not any(address.is_global for address in found):
        return "a private network, which only devices in that network can reach"
    return ""
