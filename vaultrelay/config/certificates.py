"""Certificates of the options: those of each place, which a reload replaces by no worse ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaultrelay.certificates.files import BadCertificate
from vaultrelay.certificates.pair import CertificatePair, load_pair, utc_now
from vaultrelay.certificates.renewal import why_worse
from vaultrelay.config.sources import Given
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

Pairs = tuple[CertificatePair, ...]


def read_pairs(
    given: Mapping[str, Given],
    places: Sequence[str],
    reactor: Any,
    running: Sequence[Pairs],
    folder: str,
) -> tuple[Pairs, ...]:
    """The certificates of each place where the relay listens, be it an endpoint string or a port.

    `running` are those that it serves already, if it runs. Relative names in endpoint strings are
    meant in `folder`. Raises BadOption for what cannot be
    used, and for what would be worse.
    """
    if not places:
        return (_port_pairs(given, running[0] if running else ()),)
    found = []
    for index, text in enumerate(places):
        origin = given["listen"].only(text)
        try:
            tls = read_endpoint(reactor, text, folder=folder).tls
        except BadEndpoint as error:
            raise origin.refuse(str(error)) from None
        pairs = () if tls is None else tls.pairs
        found.append(_no_worse(pairs, running[index] if index < len(running) else (), origin))
    return tuple(found)


def _port_pairs(given: Mapping[str, Given], running: Pairs) -> Pairs:
    certificate, key = given.get("tls-cert"), given.get("tls-key")
    if certificate is None and key is None:
        return ()
    if certificate is None or key is None:
        present = certificate or key
        missing = "--tls-cert" if certificate is None else "--tls-key"
        assert present is not None  # noqa: S101  for the type checker: one of two is given
        raise present.refuse(f"needs {missing} too: TLS takes a certificate and its key")
    try:
        pair = load_pair(certificate.path, key.path)
    except BadCertificate as error:
        raise (key if error.about_key else certificate).refuse(str(error)) from None
    return _no_worse((pair,), running, certificate)


def _no_worse(pairs: Pairs, running: Pairs, origin: Given) -> Pairs:
    worse = why_worse(pairs, running, utc_now())
    if worse is not None:
        raise origin.refuse(worse)
    return pairs
