"""Warnings: likely faults of the setup of the relay, their detection, and their cures."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from vaultrelay.config.option_sources import variable_hint
from vaultrelay.observe import (
    access_warnings,
    certificate_warnings,
    mailbox_warnings,
    proxy_warnings,
)
from vaultrelay.observe.proxy_warnings import PROXY_FAULT_TEXTS
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.policy.operator_warning import OperatorWarning

Texts = Callable[[RelayState], Iterable[str]]


class Check(NamedTuple):
    """One check: the function `texts` returns its warnings, each with the fault and the cure."""

    slug: str
    texts: Texts
    is_urgent: bool = False


def diagnose(state: RelayState) -> list[OperatorWarning]:
    """Return all warnings, in the order of CHECKS; each once, even for several listeners."""
    found = (
        OperatorWarning(check.slug, text, check.is_urgent)
        for check in CHECKS
        for text in check.texts(state)
    )
    return list(dict.fromkeys(found))


def _when(condition: Callable[[RelayState], object], text: str) -> Texts:
    return lambda state: [text] if condition(state) else []


def _proxy_fault(slug: str) -> Check:
    return Check(slug, _when(lambda state: slug in state.proxy_faults, PROXY_FAULT_TEXTS[slug]))


def _not_read(state: RelayState) -> Iterable[str]:
    for error in state.read_errors:
        stop = "" if error.endswith((".", "?")) else "."
        yield f"{error}{stop} The previous settings remain in force."


def _few_descriptors(state: RelayState) -> Iterable[str]:
    wanted, shares = state.settings.max_connections, state.settings.shares
    if shares.devices < wanted:
        yield (
            f"The limit of open files is {shares.lacking} too low for --max-connections {wanted}: "
            f"the relay admits {shares.devices} devices. Raise the limit (ulimit -n, or "
            "LimitNOFILE= in the unit), or lower --max-connections."
        )


def _unknown_variables(state: RelayState) -> Iterable[str]:
    for variable in state.settings.unknown_variables:
        hint = variable_hint(state.settings.options, variable) or "."
        yield f"{variable} is not an option of the relay{hint} See vault-relay --help."


def _native_unused(state: RelayState) -> Iterable[str]:
    for fault in state.native_faults:
        yield f"The relay runs slower than it could: {fault}."


def _plain_in_public(state: RelayState) -> Iterable[str]:
    # A trusted proxy terminates TLS.
    addresses = () if state.settings.trusted_proxies else state.plain_addresses
    found = [f"The relay listens without TLS on the public address {each}" for each in addresses]
    found += [f"--public-url {url} does not use TLS" for url in state.settings.plain_public_urls]
    if state.proxy_evidence.has_public_plaintext:
        found = ["Devices connect over the Internet without TLS"]
    return [
        f"{fault}: anyone on the network path sees which devices communicate, and can read access "
        "tokens. Set --tls-cert and --tls-key, or put a proxy with TLS in front of the relay and "
        "set --bind 127.0.0.1."
        for fault in found
    ]


CHECKS = (
    Check("certificate", certificate_warnings.invalid, is_urgent=True),
    Check("certificate", certificate_warnings.expiring),
    Check("not_read", _not_read, is_urgent=True),
    Check("nobody", access_warnings.empty_lists, is_urgent=True),
    Check("certificate_name", certificate_warnings.names, is_urgent=True),
    Check("certificate_trust", certificate_warnings.trust),
    Check("certificate_key", certificate_warnings.keys),
    Check("open_key", certificate_warnings.open_keys),
    Check("mailbox", mailbox_warnings.outages, is_urgent=True),
    Check("mailbox_haproxy", mailbox_warnings.behind_haproxy),
    Check("old_sqlite", mailbox_warnings.old_sqlite),
    Check("few_descriptors", _few_descriptors),
    Check(
        "no_name",
        _when(
            lambda state: not state.settings.own_hosts,
            "No --public-url is set. Set it to the URL that you enter in the app, such as "
            "wss://relay.example.org. Until then the relay accepts proofs for any host name, and "
            "a device cannot verify that it reached your relay.",
        ),
    ),
    Check("unknown_variable", _unknown_variables),
    Check("native_unused", _native_unused),
    Check("open_socket", access_warnings.open_sockets),
    Check(
        "origin_refused", _when(lambda state: state.origin_refused, access_warnings.ORIGIN_REFUSED)
    ),
    Check(
        "admin_host",
        _when(lambda state: state.admin_host_refused, access_warnings.ADMIN_HOST_REFUSED),
    ),
    Check("plain_in_public", _plain_in_public),
    Check("untrusted_proxy", proxy_warnings.untrusted_proxy),
    Check(
        "unreadable_proxy",
        _when(
            lambda state: state.proxy_evidence.has_invalid_forwarded_for,
            proxy_warnings.UNREADABLE_PROXY,
        ),
    ),
    *map(_proxy_fault, PROXY_FAULT_TEXTS),
    Check("one_address", proxy_warnings.one_address),
    Check("fixed_silence", proxy_warnings.fixed_silence),
)
