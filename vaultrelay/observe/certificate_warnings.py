"""Warnings about certificates that devices refuse, and keys that other users can read."""

from collections.abc import Iterator, Sequence

from vaultrelay.certificates.server_certificate import ServerCertificate
from vaultrelay.certificates.x509 import names_text
from vaultrelay.config.settings import hosts_of
from vaultrelay.observe.relay_state import RelayState
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.limits.diagnosis import CERTIFICATE_WARNING_DAYS
from vaultrelay.policy.operator_warning import in_days
from vaultrelay.policy.printable import printable

_REFUSED = "DEVICES WILL REFUSE TO CONNECT"
_RENEW = "Renew it; the relay loads the file when it changes."


def invalid(state: RelayState) -> Iterator[str]:
    """Yield warnings on certificates that have expired or are not yet valid."""
    for pair in state.settings.certificates:
        if trouble := pair.trouble(state.now):
            clock = f"The clock of this machine shows {state.now:%Y-%m-%d %H:%M} UTC: correct it if"
            cure = f"{clock} it is wrong." if state.now < pair.starts else _RENEW
            yield f"{_REFUSED}: {trouble}. {cure}"


def expiring(state: RelayState) -> Iterator[str]:
    """Yield warnings on certificates that expire soon."""
    for pair in state.settings.certificates:
        days = (pair.ends - state.now).days
        if days <= CERTIFICATE_WARNING_DAYS and not pair.trouble(state.now):
            yield f"The certificate expires {in_days(days)}, on {pair.ends:%Y-%m-%d}. {_RENEW}"


def names(state: RelayState) -> Iterator[str]:
    """Yield warnings on certificates without a name, and public names without a certificate."""
    pairs = _seen_by_devices(state)
    for pair in pairs:
        if not pair.names:
            yield (
                f"{_REFUSED}: the certificate contains no host name. Devices ignore a common name "
                "(CN): have it reissued with the host name as subjectAltName."
            )
    known = sorted(hosts_of(pairs))
    certified = Audiences(known)
    for host in state.settings.dialled_hosts:
        if known and not certified.accepts(host):
            yield (
                f"{_REFUSED} to {host} of --public-url: the certificate is for "
                f"{names_text(known)}. Have it reissued to include that name, or correct "
                "--public-url."
            )


def trust(state: RelayState) -> Iterator[str]:
    """Yield warnings on certificates without a chain to an authority that devices trust."""
    for pair in _seen_by_devices(state):
        if pair.x509.is_self_signed:
            yield (
                "The certificate is self-signed: no device trusts it by default. Get one from a "
                "public authority, such as Let's Encrypt, or configure every device to trust this "
                "one."
            )
        elif pair.unread:
            yield (
                f"The relay serves the certificate without its chain: {pair.files[0]} cannot be "
                f"read {pair.unread}."
            )
        elif pair.lacks_issuer:
            issuer = printable(pair.issuer) or "an authority without a name"
            yield (
                f"The certificate was issued by {issuer}, and the relay serves no chain from that "
                "issuer to an authority that this machine trusts: devices may refuse it. Serve the "
                "chain (fullchain.pem, not cert.pem). If the issuer is your own authority, make "
                "this machine trust it (SSL_CERT_FILE), or append its certificate to the relay's."
            )
        elif pair.distrust:
            yield (
                f"Devices may refuse the certificate or its chain: {pair.distrust}. Have it "
                "reissued, and serve the chain that comes with it."
            )


def keys(state: RelayState) -> Sequence[str]:
    """Return warnings on certificates with a kind of key that browsers reject."""
    return [
        "Browsers and some devices refuse the certificate, because its key is of type "
        f"{pair.x509.key}. Have it reissued for a P-256 key."
        for pair in _seen_by_devices(state)
        if not pair.x509.is_for_browsers
    ]


def open_keys(state: RelayState) -> Sequence[str]:
    """Return warnings on private keys that every user of the machine can read."""
    return [
        f"Every user of this machine can read the private key {pair.open_key}, and impersonate the "
        f"relay with it. Run: chmod o= {pair.open_key}"
        for pair in state.settings.certificates
        if pair.open_key is not None
    ]


def _seen_by_devices(state: RelayState) -> Sequence[ServerCertificate]:
    """Return the certificates that devices see: none with trusted proxies, which terminate TLS and
    have their own rules for the relay's certificate."""
    return () if state.settings.trusted_proxies else state.settings.certificates
