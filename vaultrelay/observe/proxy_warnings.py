"""Warnings about proxies that do not match the relay's configuration, each with its cure."""

from collections.abc import Callable, Collection, Iterator

from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.policy.proxy_faults import PROXY_FAULTS

_TEXTS = {
    "upgrade_lost": "A proxy in front of the relay takes WebSocket upgrades out of requests, and "
    "devices are refused with 400. Let it pass upgrades on. nginx: proxy_http_version 1.1; "
    'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; '
    'Apache: ProxyPass "/" "http://127.0.0.1:8080/" upgrade=websocket; '
    "others: a switch for WebSockets, and HTTP/1.1 towards the relay.",
    "proxy_unexpected": "Connections begin with a PROXY header on a port that expects none, and "
    "are refused. If they are your proxy's, put haproxy: before the endpoint string (--listen "
    "haproxy:tcp:8080 instead of --port 8080), or let the proxy send none: in HAProxy without "
    "send-proxy and send-proxy-v2, in nginx without proxy_protocol on.",
    "proxy_missing": "Connections come without the PROXY header that haproxy: in --listen expects, "
    "and are refused. Let the proxy send it (HAProxy: send-proxy-v2; nginx: proxy_protocol on), or "
    "take haproxy: out of --listen.",
}


def _finder(slug: str) -> Callable[[Collection[str]], Iterator[OperatorWarning]]:
    def find(faults: Collection[str]) -> Iterator[OperatorWarning]:
        if slug in faults:
            yield OperatorWarning(slug, _TEXTS[slug])

    return find


PROXY_WARNINGS = {slug: _finder(slug) for slug in PROXY_FAULTS}
"""For each of PROXY_FAULTS: a function that yields its warnings from the recent faults."""
