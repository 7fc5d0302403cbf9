"""Proxy faults: evidence that the configurations of a proxy and the relay do not match.

Any client can make such a connection, so those from public addresses count only in numbers.
"""

from vaultrelay.policy.limits.diagnosis import PROXY_FAULT_SECONDS, PUBLIC_PROXY_FAULTS

PROXY_FAULTS = ("upgrade_lost", "proxy_unexpected", "proxy_missing")
"""The slugs of refusals (policy/refusal_reasons.py) that a misconfigured proxy causes."""


class _Fault:
    """One kind of fault: the time of the last one, and the number."""

    __slots__ = ("count", "is_near", "seen_at")

    def __init__(self) -> None:
        self.count = 0
        self.is_near = False
        self.seen_at = 0.0


class ProxyFaults:
    """The faults within the last PROXY_FAULT_SECONDS. Knows no clock."""

    def __init__(self) -> None:
        self._faults: dict[str, _Fault] = {}

    def note(self, slug: str, is_near: bool, now: float) -> None:
        """Count a connection refused for `slug`; `is_near`: from a network where the relay's
        proxies are."""
        if slug not in PROXY_FAULTS:
            return
        fault = self._faults.get(slug)
        if fault is None or now - fault.seen_at > PROXY_FAULT_SECONDS:
            fault = self._faults[slug] = _Fault()
        fault.seen_at = now
        fault.count += 1
        fault.is_near |= is_near

    def current(self, now: float) -> frozenset[str]:
        """Return the slugs of the faults to report."""
        return frozenset(
            slug
            for slug, fault in self._faults.items()
            if now - fault.seen_at <= PROXY_FAULT_SECONDS
            and (fault.is_near or fault.count >= PUBLIC_PROXY_FAULTS)
        )
