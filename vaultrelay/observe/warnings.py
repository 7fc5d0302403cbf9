"""Warnings: likely faults of the setup of the relay, their detection, and their cures."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network

from vaultrelay.broker.stages import Stage
from vaultrelay.config.sources import variable_hint
from vaultrelay.observe import certificate_warnings
from vaultrelay.observe.access_warnings import admin_host, nobody, open_socket, origin_refused
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.observe.proxy_warnings import PROXY_WARNINGS
from vaultrelay.policy.addresses import PeerAddress, UnixPeer, network_of
from vaultrelay.policy.finding import Finding
from vaultrelay.policy.limits import CROWD_CHANNELS, CROWD_DEVICES, PING_RANGE
from vaultrelay.policy.networks import UNIX
from vaultrelay.policy.proxies import TrustedProxies


def diagnose(evidence: RelayState) -> list[Finding]:
    """Return all warnings, in the order of WARNINGS; each once, even for several listeners."""
    found = (finding for find in WARNINGS.values() for finding in find(evidence))
    return list(dict.fromkeys(found))


def _not_read(evidence: RelayState) -> Iterator[Finding]:
    for error in evidence.read_errors:
        stop = "" if error.endswith((".", "?")) else "."
        yield Finding(
            "not_read", f"{error}{stop} What was read before still holds.", is_urgent=True
        )


def _few_descriptors(evidence: RelayState) -> Iterator[Finding]:
    settings = evidence.settings
    shares = settings.shares
    if shares.devices < settings.max_connections:
        yield Finding(
            "few_descriptors",
            f"The limit of open files is {shares.lacking} too low for "
            f"--max-connections {settings.max_connections}: the relay admits {shares.devices} "
            "devices. "
            "Raise it (ulimit -n, or LimitNOFILE= in the unit), or lower --max-connections.",
        )


def _no_name(evidence: RelayState) -> Iterator[Finding]:
    if not evidence.settings.own_hosts:
        yield Finding(
            "no_name",
            "The relay does not know its own names, so it accepts proofs made for any. Name them "
            "with --public-url.",
        )


def _unknown_variable(evidence: RelayState) -> Iterator[Finding]:
    for variable in evidence.settings.unknown_variables:
        hint = variable_hint(evidence.settings.options, variable) or "."
        text = f"{variable} is no option of the relay{hint} See vault-relay --help."
        yield Finding("unknown_variable", text)


def _plain_in_public(evidence: RelayState) -> Iterator[Finding]:
    found = [
        f"The relay listens without TLS on {address}, an address of the Internet"
        for address in evidence.plain_addresses
        # A trusted proxy terminates TLS.
        if not evidence.settings.trusted_proxies
    ]
    found += [f"--public-url {url} is without TLS" for url in evidence.settings.plain_public_urls]
    if evidence.noticed.is_plain_in_public:
        found = ["Devices come over the Internet without TLS"]
    for what in found:
        yield Finding(
            "plain_in_public",
            f"{what}: anyone on the way sees which devices talk, and reads access tokens. Give the "
            "relay --tls-cert and --tls-key, or put a proxy with TLS in front and add --bind "
            "127.0.0.1.",
        )


def _untrusted_proxy(evidence: RelayState) -> Iterator[Finding]:
    noticed = evidence.noticed
    if noticed.unbelieved:
        yield Finding(
            "untrusted_proxy",
            f"Requests from {_shown(noticed.unbelieved, evidence)} carry X-Forwarded-For, which is "
            "not believed from there: --max-per-address does not tell devices behind a proxy from "
            "one another. If it is your proxy, add --trusted-proxy "
            + ("with its address" if _hides(evidence) else noticed.unbelieved),
        )
    elif noticed.is_crowd_unbelieved:
        yield Finding(
            "untrusted_proxy",
            "An address with too many devices, or of a network with too many, sends "
            "X-Forwarded-For, which is not believed from there. If it is your proxy, add "
            "--trusted-proxy with its address.",
        )


def _unreadable_proxy(evidence: RelayState) -> Iterator[Finding]:
    if evidence.noticed.is_unreadable:
        yield Finding(
            "unreadable_proxy",
            "A trusted proxy sent an X-Forwarded-For that does not end with addresses. Devices "
            "behind it are not limited by address. Let it send the address of its client alone.",
        )


def _proxy_fault(slug: str) -> Callable[[RelayState], Iterator[Finding]]:
    return lambda evidence: PROXY_WARNINGS[slug](evidence.proxy_faults)


def _one_address(evidence: RelayState) -> Iterator[Finding]:
    joined = [each for each in evidence.broker.sessions if each.stage is Stage.JOINED]
    addresses = {session.address for session in joined}
    if (
        len(joined) < CROWD_DEVICES
        or len(evidence.broker.channels) < CROWD_CHANNELS
        or len(set(map(_counted_as, addresses))) > 1
    ):
        return
    address = joined[0].address
    if address is None:
        yield Finding(
            "one_address",
            "A proxy that speaks the PROXY protocol does not say whom it speaks for (UNKNOWN or "
            "LOCAL), so no limit of an address holds for its devices. Let it send their addresses.",
        )
        return
    if isinstance(address, UnixPeer):
        near = UNIX
    elif address.is_private:
        near = str(address if len(addresses) == 1 else ip_network((address.packed, 64), False))
    else:
        near = ""
    where = _shown(near, evidence) if near else "one address"
    if TrustedProxies.read(evidence.settings.trusted_proxies).trusts(address):
        cure = "The proxy there is trusted, but names nobody: let it set X-Forwarded-For."
    else:
        cure = (
            "If a proxy stands in front, let it set X-Forwarded-For, and name it with "
            "--trusted-proxy."
        )
    yield Finding(
        "one_address",
        f"All devices seem to come from {where}, so one limit holds for all of them. {cure}",
    )


def _fixed_silence(evidence: RelayState) -> Iterator[Finding]:
    seconds = evidence.broker.idle_disconnects.timeout()
    if seconds is None:
        return
    shorter = f", or set --ping-seconds below {seconds:.0f}" if seconds > PING_RANGE[0] else ""
    yield Finding(
        "fixed_silence",
        f"Connections are cut off after {seconds:.0f} s of silence, as proxies and firewalls do "
        "it. Raise that time there (proxy_read_timeout in nginx, timeout tunnel in HAProxy)"
        f"{shorter}.",
    )


def _counted_as(address: PeerAddress | None) -> object:
    """Return the network by which devices share a limit. Not the wider networks: all devices of an
    office often have addresses in one /48 or /24."""
    if address is None or isinstance(address, UnixPeer):
        return address
    return network_of(address)


def _shown(network: str, evidence: RelayState) -> str:
    """Return a network near the relay in full, for the cure, unless the log excludes addresses."""
    if network == UNIX:
        return "a unix socket"
    return "a private address" if _hides(evidence) else network


def _hides(evidence: RelayState) -> bool:
    return evidence.settings.log_addresses == "none"


WARNINGS: dict[str, Callable[[RelayState], Iterator[Finding]]] = {
    "certificate": certificate_warnings.dates,
    "not_read": _not_read,
    "nobody": lambda evidence: nobody(evidence.settings.access),
    "certificate_name": certificate_warnings.names,
    "certificate_trust": certificate_warnings.trust,
    "certificate_key": certificate_warnings.keys,
    "open_key": certificate_warnings.open_keys,
    "few_descriptors": _few_descriptors,
    "no_name": _no_name,
    "unknown_variable": _unknown_variable,
    "open_socket": lambda evidence: map(open_socket, evidence.open_sockets),
    "origin_refused": lambda evidence: origin_refused(evidence.origin_refused),
    "admin_host": lambda evidence: admin_host(evidence.admin_host_refused),
    "plain_in_public": _plain_in_public,
    "untrusted_proxy": _untrusted_proxy,
    "unreadable_proxy": _unreadable_proxy,
    **{slug: _proxy_fault(slug) for slug in PROXY_WARNINGS},
    "one_address": _one_address,
    "fixed_silence": _fixed_silence,
}
"""The function that yields each of WHAT."""
