"""Certificates of the listeners, which a reload never replaces by worse ones."""

from collections.abc import Mapping

from vaultrelay.certificates.files import BadCertificate
from vaultrelay.certificates.pair import CertificatePair, load_pair, utc_now
from vaultrelay.certificates.renewal import why_worse
from vaultrelay.config.option_kinds import ParseContext
from vaultrelay.config.raw_option import BadOption, RawOption
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

Pairs = tuple[CertificatePair, ...]
_EXCLUDED_BY_LISTEN = ("port", "bind", "tls-cert", "tls-key")


def read_pairs(context: ParseContext) -> tuple[Pairs, ...]:
    """Return the certificates of each listener, an endpoint string or a port.

    Raises BadOption if one cannot be used, or is worse than the one that a running relay serves.
    """
    raw, running = context.raw, () if context.running is None else context.running.pairs
    listen = raw.get("listen")
    if listen is None or not listen.values:
        return (_port_pairs(raw, running[0] if running else ()),)
    for name in filter(raw.__contains__, _EXCLUDED_BY_LISTEN):
        raise BadOption(
            f"{listen.source} and {raw[name].source} exclude each other: the endpoint string sets "
            "address, port and certificate itself; remove one of the two"
        )
    found = []
    for index, text in enumerate(listen.values):
        source = listen.only(text)
        try:
            tls = read_endpoint(context.reactor, text, folder=source.folder).tls
        except BadEndpoint as error:
            raise source.refuse(str(error)) from None
        pairs = () if tls is None else tls.pairs
        found.append(_no_worse(pairs, running[index] if index < len(running) else (), source))
    return tuple(found)


def _port_pairs(raw: Mapping[str, RawOption], running: Pairs) -> Pairs:
    certificate, key = raw.get("tls-cert"), raw.get("tls-key")
    for present, name, missing in (
        (certificate, "tls-cert", "tls-key"),
        (key, "tls-key", "tls-cert"),
    ):
        if present and missing not in raw:
            raise present.refuse(
                f"needs {present.sibling(name, missing)} too: TLS takes a certificate and its key"
            )
    if certificate is None or key is None:
        return ()
    try:
        pair = load_pair(certificate.path, key.path)
    except BadCertificate as error:
        raise (key if error.about_key else certificate).refuse(str(error)) from None
    return _no_worse((pair,), running, certificate)


def _no_worse(pairs: Pairs, running: Pairs, source: RawOption) -> Pairs:
    worse = why_worse(pairs, running, utc_now())
    if worse is not None:
        raise source.refuse(worse)
    return pairs
