"""Warnings about certificates that devices refuse, and keys that other users can read."""

from collections.abc import Iterator, Sequence

from vaultrelay.certificates.pair import CertificatePair
from vaultrelay.certificates.x509 import name_of
from vaultrelay.config.settings import hosts_of
from vaultrelay.logs import printable
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.finding import Finding, in_days
from vaultrelay.policy.limits import CERTIFICATE_WARNING_DAYS

_REFUSED = "DEVICES WILL REFUSE TO CONNECT"
_NAMES_SHOWN = 5


def dates(evidence: RelayState) -> Iterator[Finding]:
    """Yield warnings on certificates that have expired, are not yet valid, or expire soon."""
    for pair in evidence.settings.certificates:
        trouble = pair.trouble(evidence.now)
        days = (pair.ends - evidence.now).days
        renew = "Renew it: the relay sees when its file changes."
        if trouble:
            cure = renew
            if evidence.now < pair.starts:
                cure = f"It is {evidence.now:%Y-%m-%d %H:%M} UTC now by this machine's clock: is "
                cure += "that right?"
            yield Finding("certificate", f"{_REFUSED}: {trouble}. {cure}", is_urgent=True)
        elif days <= CERTIFICATE_WARNING_DAYS:
            yield Finding(
                "certificate",
                f"The certificate ends {in_days(days)}, on {pair.ends:%Y-%m-%d}. {renew}",
            )


def names(evidence: RelayState) -> Iterator[Finding]:
    """Yield warnings on certificates without a name, and public names without a certificate."""
    pairs = _seen_by_devices(evidence)
    for pair in pairs:
        if not pair.names:
            yield Finding(
                "certificate_name",
                f"{_REFUSED}: the certificate is for no name. A common name (CN) does not count: "
                "have it issued with the name as subjectAltName.",
                is_urgent=True,
            )
    known = hosts_of(pairs)
    if not known:
        return
    certified = Audiences(known)
    for host in evidence.settings.dialled_hosts:
        if not certified.accepts(host):
            shown = ", ".join(sorted(known)[:_NAMES_SHOWN])
            more = ", ..." if len(known) > _NAMES_SHOWN else ""
            yield Finding(
                "certificate_name",
                f"{_REFUSED} to {host} of --public-url: the certificate is for {shown}{more}. Have "
                "it issued for that name, too, or correct --public-url.",
                is_urgent=True,
            )


def trust(evidence: RelayState) -> Iterator[Finding]:
    """Yield warnings on certificates without a chain to an authority that devices trust."""
    for pair in _seen_by_devices(evidence):
        if pair.x509.is_self_signed:
            yield Finding(
                "certificate_trust",
                "The certificate is self-signed: no device trusts it unless told to. Get one from "
                "a public authority, such as Let's Encrypt, or have every device trust this one.",
            )
        elif pair.unread:
            yield Finding(
                "certificate_trust",
                f"The certificate is served without those of its issuers: {pair.files[0]} cannot "
                f"be read {pair.unread}.",
            )
        elif pair.lacks_issuer:
            issuer = printable(name_of(pair.x509.issuer)) or "an authority without a name"
            yield Finding(
                "certificate_trust",
                f"The certificate was issued by {issuer}, and the relay serves no chain from there "
                "to an authority that this machine trusts: devices may refuse it. Serve the chain "
                "(fullchain.pem, not cert.pem). If it is your own authority, let this machine "
                "trust it, too (SSL_CERT_FILE), or append its certificate to the relay's.",
            )
        elif pair.distrust:
            yield Finding(
                "certificate_trust",
                f"Devices may refuse the certificate or its chain: {pair.distrust}. Have it issued "
                "anew, and serve the chain that came with it.",
            )


def keys(evidence: RelayState) -> Iterator[Finding]:
    """Yield warnings on certificates with a kind of key that browsers reject."""
    for pair in _seen_by_devices(evidence):
        if not pair.x509.is_for_browsers:
            yield Finding(
                "certificate_key",
                f"Browsers and some devices refuse the certificate, as its key is of the kind "
                f"{pair.x509.key}. Have it issued for a key of P-256.",
            )


def open_keys(evidence: RelayState) -> Iterator[Finding]:
    """Yield warnings on private keys that every user of the machine can read."""
    for pair in evidence.settings.certificates:
        if pair.open_key is not None:
            yield Finding(
                "open_key",
                f"Every user of this machine can read the private key {pair.open_key}, and with it "
                f"pretend to be the relay: chmod o= {pair.open_key}",
            )


def _seen_by_devices(evidence: RelayState) -> Sequence[CertificatePair]:
    """Return the certificates that devices see: none with trusted proxies, which terminate TLS and
    have their own rules for the relay's certificate."""
    settings = evidence.settings
    return () if settings.trusted_proxies else settings.certificates
