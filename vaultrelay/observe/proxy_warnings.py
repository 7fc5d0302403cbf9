"""Warnings about proxies that do not match the relay's configuration, each with its cure."""

from collections.abc import Iterator
from ipaddress import ip_network

from vaultrelay.broker.session import Session
from vaultrelay.broker.stages import Stage
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.policy.addresses import PeerAddress, UnixPeer, network_of
from vaultrelay.policy.limits.diagnosis import SHARED_ADDRESS_CHANNELS, SHARED_ADDRESS_DEVICES
from vaultrelay.policy.limits.timeouts import PING_RANGE
from vaultrelay.policy.networks import UNIX
from vaultrelay.policy.proxies import TrustedProxies

PROXY_FAULT_TEXTS = {
    "upgrade_lost": "A proxy in front of the relay removes the WebSocket upgrade from requests, so "
    "the relay refuses devices with 400. Configure it to forward upgrades. nginx: "
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
    '"upgrade"; '
    'Apache: ProxyPass "/" "http://127.0.0.1:8080/" upgrade=websocket; '
    "other proxies: enable WebSocket support, and HTTP/1.1 to the relay.",
    "proxy_unexpected": "Connections begin with a PROXY header on a port that expects none, and "
    "are refused. If they come from your proxy, put haproxy: before the endpoint string (--listen "
    "haproxy:tcp:8080 instead of --port 8080), or turn the header off in the proxy: remove "
    "send-proxy and send-proxy-v2 in HAProxy, proxy_protocol on in nginx.",
    "proxy_missing": "Connections lack the PROXY header that haproxy: in --listen expects, and are "
    "refused. Configure the proxy to send it (HAProxy: send-proxy-v2; nginx: proxy_protocol on), "
    "or remove haproxy: from --listen.",
}
"""The warning on each of PROXY_FAULTS."""
UNREADABLE_PROXY = (
    "A trusted proxy sent an X-Forwarded-For header without a usable client address, so the "
    "devices behind it are not limited by address. Configure it to send only the address of its "
    "client."
)
_CURE = (
    "If a proxy is in front of the relay, configure it to set X-Forwarded-For, and set "
    "--trusted-proxy to its address."
)
_CURE_IF_TRUSTED = (
    "The proxy there is trusted, but sends no client addresses: configure it to set "
    "X-Forwarded-For."
)


def untrusted_proxy(state: RelayState) -> Iterator[str]:
    """Yield a warning if a proxy sends X-Forwarded-For, and is not trusted."""
    evidence = state.proxy_evidence
    if evidence.untrusted_peer:
        address = "with its address" if _hides(state) else evidence.untrusted_peer
        yield (
            f"X-Forwarded-For from {_shown(evidence.untrusted_peer, state)} is ignored because the "
            "sender is not a trusted proxy: all devices behind it share the limit of one address, "
            f"--max-per-address. If it is your proxy, add --trusted-proxy {address}"
        )
    elif evidence.has_untrusted_shared_address:
        yield (
            "An address or network that has reached its limit of devices sends X-Forwarded-For, "
            "which is ignored because the address is not a trusted proxy. If it is your proxy, add "
            "--trusted-proxy with its address."
        )


def one_address(state: RelayState) -> Iterator[str]:
    """Yield a warning if many devices of several channels share one address."""
    joined = [each for each in state.broker.sessions if each.stage is Stage.JOINED]
    if (
        len(joined) < SHARED_ADDRESS_DEVICES
        or len(state.broker.channels) < SHARED_ADDRESS_CHANNELS
        or len({_counted_as(each.address) for each in joined}) > 1
    ):
        return
    address = joined[0].address
    if address is None:
        yield (
            "A proxy that speaks the PROXY protocol sends no client addresses (UNKNOWN or LOCAL), "
            "so its devices are not limited by address. Configure it to send the addresses."
        )
        return
    is_trusted = TrustedProxies.read(state.settings.trusted_proxies).trusts(address)
    cure = _CURE_IF_TRUSTED if is_trusted else _CURE
    where = _where(address, joined, state)
    yield f"All devices seem to come from {where}, so they share one limit. {cure}"


def fixed_silence(state: RelayState) -> Iterator[str]:
    """Yield a warning if silent connections end after a fixed time."""
    seconds = state.broker.idle_disconnects.timeout()
    if seconds is not None:
        shorter = f", or set --ping-seconds below {seconds:.0f}" if seconds > PING_RANGE[0] else ""
        yield (
            f"Connections are cut off after {seconds:.0f} s without traffic, probably by a proxy "
            "or firewall. Raise its timeout (proxy_read_timeout in nginx, timeout tunnel in "
            f"HAProxy){shorter}."
        )


def _counted_as(address: PeerAddress | None) -> object:
    """Return the network by which devices share a limit. Not the wider networks: all devices of an
    office often have addresses in one /48 or /24."""
    if address is None or isinstance(address, UnixPeer):
        return address
    return network_of(address)


def _where(address: PeerAddress, joined: list[Session], state: RelayState) -> str:
    if isinstance(address, UnixPeer):
        return _shown(UNIX, state)
    is_one = len({each.address for each in joined}) == 1
    network = str(address if is_one else ip_network((address.packed, 64), False))
    return _shown(network, state) if address.is_private else "one address"


def _shown(network: str, state: RelayState) -> str:
    """Return a network near the relay in full, for the cure, unless the log excludes addresses."""
    if network == UNIX:
        return "a unix socket"
    return "a private address" if _hides(state) else network


def _hides(state: RelayState) -> bool:
    return state.settings.log_addresses == "none"
