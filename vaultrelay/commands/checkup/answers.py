"""Answers from other servers than the relay: where a refusal comes from, its reason, and its
cure."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from vaultrelay.client.device import RelayUrl
from vaultrelay.commands.checkup.http import Answer
from vaultrelay.commands.checkup.url import shown
from vaultrelay.logs import printable

_SERVER_CHARS = 40
_LET_UPGRADES_BY = (
    "Let the proxy pass WebSocket upgrades on (nginx: proxy_http_version 1.1, with the headers "
    "Upgrade and Connection; others have a switch for WebSockets)."
)
_UNREACHED = (
    "The proxy does not reach the relay behind it: does the relay run, and is its address right in "
    "the proxy's configuration?"
)
_ORIGIN = (
    "Cloudflare does not reach the server behind it: does it run, and do its address and its TLS "
    "mode there match?"
)
_SUCCESSES = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
CURES = {
    **dict.fromkeys(
        _SUCCESSES, f"The upgrade got lost, or the URL is that of a web site. {_LET_UPGRADES_BY}"
    ),
    400: _LET_UPGRADES_BY,
    403: "Something in front of the relay forbids the request: look for an access rule or a "
    "firewall there.",
    404: "Nothing is routed to a relay there: is the path right, and does the proxy send it on?",
    405: _LET_UPGRADES_BY,
    421: "The proxy serves another name on this connection: name this host in its configuration.",
    426: _LET_UPGRADES_BY,
    429: "Something in front of the relay limits requests: raise its limit for this host.",
    464: "The load balancer speaks HTTP/2 to the relay: set its target group to HTTP/1.1.",
    501: _LET_UPGRADES_BY,
    502: _UNREACHED,
    503: _UNREACHED,
    504: _UNREACHED,
    505: "WebSockets need HTTP/1.1: let the proxy speak it on this port.",
    511: "This network wants a login first: open any web page in a browser, and try again.",
    **dict.fromkeys((520, 521, 522, 523, 524, 525, 526, 530), _ORIGIN),
}
"""What to do about an answer to an upgrade, by its status."""
PAGE_CURES = {
    **CURES,
    **dict.fromkeys(
        _SUCCESSES,
        "The URL is that of a web site, or this network wants a login first: is its host right, "
        "and does the proxy send its path on to the relay?",
    ),
    **dict.fromkeys(
        (400, 405, 426, 501),
        "Is the port right, and does it speak TLS where the URL says ws://, or none where it says "
        "wss://?",
    ),
}
"""The same for an answer to a request for a page."""
_OTHER = "Is the URL that of a relay, and does the proxy send it on?"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNAUTHORIZED = 401
_REFUSALS_OF_BROWSERS = frozenset({403, 429, 503})


def explain_answer(
    answer: Answer, url: RelayUrl, cures: Mapping[int, str] = MappingProxyType(CURES)
) -> str:
    """Return one sentence on the server that answered, and one on the cure."""
    said = f"{_who(answer)} answers {_status(answer.status)}"
    page = " with a web page" if answer.header("content-type").startswith("text/html") else ""
    if answer.status in _REDIRECTS and answer.header("location"):
        return f"{said} and redirects to {_redirect(answer, url)}"
    if answer.status == _UNAUTHORIZED:
        return f"{said}, and it is not the relay. {_login(url)}"
    if page and answer.status in _REFUSALS_OF_BROWSERS and _is_cloudflare(answer):
        return (
            f"{said}{page}: Cloudflare wants to see a browser. Switch its challenges and bot "
            "protection off for this host."
        )
    return f"{said}{page} in place of the relay. {cures.get(answer.status, _OTHER)}"


def _redirect(answer: Answer, url: RelayUrl) -> str:
    """Return the target, and the URL to enter instead."""
    scheme = {"ws": "http", "wss": "https"}[url.scheme]
    try:
        target = urljoin(f"{scheme}://{url.authority}{url.path}", answer.header("location"))
        leads_to = urlsplit(target).scheme
    except ValueError:
        return "what is no URL. Is the URL that of a relay?"
    if leads_to == "https" and url.scheme == "ws":
        name = shown(target).replace("https://", "wss://", 1)
        return f"https, and devices do not follow redirects. Use a wss:// URL, such as {name}."
    return f"{shown(target)}, and devices do not follow redirects. Use the URL that it leads to."


def _login(url: RelayUrl) -> str:
    if url.authorization is None:
        return "Give its token or password: wss://any:TOKEN@host, or --token-file."
    return "It does not accept what was given as user and password."


def _who(answer: Answer) -> str:
    server = printable(answer.header("server"))[:_SERVER_CHARS]
    return server or "Something in front of the relay"


def _status(number: int) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _is_cloudflare(answer: Answer) -> bool:
    return answer.header("server").lower() == "cloudflare" or "cf-ray" in answer.headers
