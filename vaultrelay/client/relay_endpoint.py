"""The endpoint of a relay: TCP, and TLS over it for wss."""

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from vaultrelay.client.connection import Explain
from vaultrelay.wire.relay_url import RelayUrl

CONNECT_SECONDS = 20
"""From the first packet to the welcome."""


def relay_endpoint(
    reactor: IReactorTime,
    url: RelayUrl,
    trust_roots: bytes | None,
    endpoint: IStreamClientEndpoint | None,
) -> tuple[IStreamClientEndpoint, Explain]:
    """Return the caller's endpoint, or TCP, with TLS for wss; and the explanation of its errors."""
    is_whole_way = endpoint is not None and trust_roots is None
    tcp = endpoint
    if tcp is None:
        tcp = HostnameEndpoint(reactor, url.host, url.port, timeout=CONNECT_SECONDS)
    if is_whole_way or url.scheme == "ws":
        return tcp, _as_they_are
    # It loads pyOpenSSL, which `vault-relay check` does without.
    from vaultrelay.client.tls import RelayTls

    tls = RelayTls(url.host, trust_roots)
    return tls.over(tcp, reactor), tls.explain


def _as_they_are(error: Exception) -> Exception:
    return error
