"""Certificates of the listeners, which a reload never replaces by worse ones."""

from collections.abc import Mapping

from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.renewal import renewal_fault
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate, utc_now
from vaultrelay.config.option_kinds import Reading
from vaultrelay.config.raw_option import Given
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

Pairs = tuple[ServerCertificate, ...]


def read_pairs(reading: Reading) -> tuple[Pairs, ...]:
    """Return the certificates of each listener, an endpoint string or a port.

    Raises BadOption if one cannot be used, or is worse than the one that a running relay serves.
    """
    given, running = reading.given, () if reading.kept is None else reading.kept.pairs
    texts = given["listen"].values if "listen" in given else ()
    if not texts:
        return (_port_pairs(given, running[0] if running else ()),)
    found = []
    for index, text in enumerate(texts):
        origin = given["listen"].only(text)
        try:
            tls = read_endpoint(reading.reactor, text, folder=origin.folder).tls
        except BadEndpoint as error:
            raise origin.refuse(str(error)) from None
        pairs = () if tls is None else tls.certificates
        found.append(_no_worse(pairs, running[index] if index < len(running) else (), origin))
    return tuple(found)


def _port_pairs(given: Mapping[str, Given], running: Pairs) -> Pairs:
    certificate, key = given.get("tls-cert"), given.get("tls-key")
    if certificate is None or key is None:
        if present := certificate or key:
            missing = "--tls-cert" if certificate is None else "--tls-key"
            raise present.refuse(f"needs {missing} too: TLS takes a certificate and its key")
        return ()
    try:
        pair = load_certificate(certificate.path, key.path)
    except BadCertificate as error:
        raise (key if error.about_key else certificate).refuse(str(error)) from None
    return _no_worse((pair,), running, certificate)


def _no_worse(pairs: Pairs, running: Pairs, origin: Given) -> Pairs:
    worse = renewal_fault(pairs, running, utc_now())
    if worse is not None:
        raise origin.refuse(worse)
    return pairs
