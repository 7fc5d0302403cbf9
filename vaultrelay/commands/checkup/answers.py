"""Answers from other servers than the relay: the server, its reason, and the cure."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from vaultrelay.commands.checkup.url import shown
from vaultrelay.policy.printable import printable
from vaultrelay.wire.answer import Answer
from vaultrelay.wire.relay_url import RelayUrl

_SERVER_CHARS = 40
_LET_UPGRADES_BY = (
    "Configure the proxy to forward WebSocket upgrades (nginx: proxy_http_version 1.1, with the "
    "headers Upgrade and Connection; other proxies have an option for WebSockets)."
)
_UNREACHED = (
    "The proxy does not reach the relay behind it: is the relay running, and is its address "
    "correct in the proxy's configuration?"
)
_ORIGIN = (
    "Cloudflare does not reach the server behind it: is it running, and do its address and its TLS "
    "mode in Cloudflare's settings match?"
)
_SUCCESSES = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
CURES = {
    **dict.fromkeys(
        _SUCCESSES,
        f"The upgrade was lost, or the URL is that of a website. {_LET_UPGRADES_BY}",
    ),
    400: _LET_UPGRADES_BY,
    403: "A server in front of the relay forbids the request: look for an access rule or a "
    "firewall there.",
    404: "No relay has this path: is the path correct, and does the proxy forward it?",
    405: _LET_UPGRADES_BY,
    421: "The proxy serves another name on this connection: add this host to its configuration.",
    426: _LET_UPGRADES_BY,
    429: "A server in front of the relay limits requests: raise its limit for this host.",
    464: "The load balancer speaks HTTP/2 to the relay: set its target group to HTTP/1.1.",
    501: _LET_UPGRADES_BY,
    502: _UNREACHED,
    503: _UNREACHED,
    504: _UNREACHED,
    505: "WebSockets need HTTP/1.1: enable it in the proxy on this port.",
    511: "This network requires a login first: open any web page in a browser, and try again.",
    **dict.fromkeys((520, 521, 522, 523, 524, 525, 526, 530), _ORIGIN),
}
"""What to do about an answer to an upgrade, by its status."""
PAGE_CURES = {
    **CURES,
    **dict.fromkeys(
        _SUCCESSES,
        "The URL is that of a website, or this network requires a login first: is its host "
        "correct, and does the proxy forward its path to the relay?",
    ),
    **dict.fromkeys(
        (400, 405, 426, 501),
        "Is the port correct, and does the URL match it: wss:// if it speaks TLS, ws:// if not?",
    ),
}
"""The same for an answer to a request for a page."""
_OTHER = "Is the URL that of a relay, and does the proxy forward it?"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNAUTHORIZED = 401
_CHALLENGES = frozenset({403, 429, 503})


def explain_answer(
    answer: Answer, url: RelayUrl, cures: Mapping[int, str] = MappingProxyType(CURES)
) -> str:
    """Return one sentence on the server that answered, and one on the cure."""
    server = printable(answer.header("server"))[:_SERVER_CHARS]
    fault = f"{server or 'A server in front of the relay'} answers {_status(answer.status)}"
    if answer.status in _REDIRECTS and answer.header("location"):
        return f"{fault} and redirects to {_redirect(answer, url)}"
    if answer.status == _UNAUTHORIZED:
        cure = "It does not accept the user and password of the URL."
        if url.authorization is None:
            cure = "Give its token or password: wss://any:TOKEN@host, or --token-file."
        return f"{fault}, and it is not the relay. {cure}"
    if answer.header("content-type").startswith("text/html"):
        fault += " with a web page"
        is_cloudflare = server.lower() == "cloudflare" or "cf-ray" in answer.headers
        if is_cloudflare and answer.status in _CHALLENGES:
            return (
                f"{fault}: Cloudflare requires a browser. Disable its challenges and bot "
                "protection for this host."
            )
    return f"{fault} instead of the relay. {cures.get(answer.status, _OTHER)}"


def _redirect(answer: Answer, url: RelayUrl) -> str:
    """Return the target, and the URL to enter instead."""
    scheme = {"ws": "http", "wss": "https"}[url.scheme]
    try:
        target = urljoin(f"{scheme}://{url.authority}{url.path}", answer.header("location"))
        target_scheme = urlsplit(target).scheme
    except ValueError:
        return "an invalid URL. Is the URL that of a relay?"
    if target_scheme == "https" and url.scheme == "ws":
        secure = shown(target).replace("https://", "wss://", 1)
        return f"https, and devices do not follow redirects. Use a wss:// URL, such as {secure}."
    return f"{shown(target)}, and devices do not follow redirects. Use the URL that it leads to."


def _status(number: int) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)
