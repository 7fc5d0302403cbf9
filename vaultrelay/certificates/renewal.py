"""Renewal: checks whether certificates may replace those that a running relay serves."""

from collections.abc import Collection
from datetime import datetime

from vaultrelay.certificates.server_certificate import ServerCertificate


def renewal_fault(
    new: Collection[ServerCertificate], running: Collection[ServerCertificate], now: datetime
) -> str | None:
    """Return why `running` is kept: one with good dates would be replaced by one without.

    The reason is the end of a sentence; None if the new ones may be served.
    """
    for certificate in new:
        trouble = None if certificate in running else certificate.trouble(now)
        if trouble is None:
            continue
        for old in running:
            is_replaced = len(new) == 1 or not set(old.names).isdisjoint(certificate.names)
            if old not in new and is_replaced and old.trouble(now) is None:
                clock = " Check this machine's clock." if now < certificate.starts else ""
                return (
                    f"does not replace the certificate in use, which is valid until "
                    f"{old.ends:%Y-%m-%d}: {trouble}.{clock}"
                )
    return None
