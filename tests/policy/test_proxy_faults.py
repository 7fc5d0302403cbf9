"""Proxy faults: what is evidence of one, and for how long."""

from vaultrelay.policy.limits.diagnosis import PROXY_FAULT_SECONDS, PUBLIC_PROXY_FAULTS
from vaultrelay.policy.proxy_faults import PROXY_FAULTS, ProxyFaults
from vaultrelay.policy.refusal_reasons import REFUSED


def test_one_from_near_is_enough_and_is_forgotten_in_time() -> None:
    faults = ProxyFaults()
    assert faults.current(0) == frozenset()
    faults.note("upgrade_lost", True, 10)
    assert faults.current(10 + PROXY_FAULT_SECONDS) == {"upgrade_lost"}
    assert faults.current(11 + PROXY_FAULT_SECONDS) == frozenset()


def test_from_afar_it_takes_several_within_the_time() -> None:
    faults = ProxyFaults()
    for _ in range(PUBLIC_PROXY_FAULTS - 1):
        faults.note("proxy_missing", False, 0)
    assert faults.current(0) == frozenset()
    faults.note("proxy_missing", False, PROXY_FAULT_SECONDS + 1)
    assert faults.current(PROXY_FAULT_SECONDS + 1) == frozenset()
    for _ in range(PUBLIC_PROXY_FAULTS - 1):
        faults.note("proxy_missing", False, PROXY_FAULT_SECONDS + 1)
    assert faults.current(PROXY_FAULT_SECONDS + 1) == {"proxy_missing"}


def test_what_was_near_long_ago_does_not_count() -> None:
    faults = ProxyFaults()
    faults.note("proxy_unexpected", True, 0)
    faults.note("proxy_unexpected", False, PROXY_FAULT_SECONDS + 1)
    assert faults.current(PROXY_FAULT_SECONDS + 1) == frozenset()


def test_other_refusals_blame_no_proxy() -> None:
    faults = ProxyFaults()
    for slug in REFUSED:
        faults.note(slug, True, 0)
    assert faults.current(0) == set(PROXY_FAULTS)
