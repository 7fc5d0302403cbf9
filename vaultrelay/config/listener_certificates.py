"""Certificates of the listeners, which a reload never replaces by worse ones."""

import re
from collections.abc import Mapping

from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.renewal import renewal_fault
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate, utc_now
from vaultrelay.config.option_kinds import ParseContext
from vaultrelay.config.raw_option import BadOption, RawOption
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint

Pairs = tuple[ServerCertificate, ...]
_PARTNERS = {"cert": "key", "key": "cert", "CERT": "KEY", "KEY": "CERT"}
"""The other option of TLS, by the end of a flag, variable or key."""
_EXCLUDED_BY_LISTEN = ("port", "bind", "tls-cert", "tls-key")


def read_pairs(context: ParseContext) -> tuple[Pairs, ...]:
    """Return the certificates of each listener, an endpoint string or a port.

    Raises BadOption if one cannot be used, or is worse than the one that a running relay serves.
    """
    served = list(_endpoint_pairs(context) or _port_pairs(context.raw))
    running = () if context.running is None else context.running.pairs
    for (option, pairs), old in zip(served, running, strict=False):
        worse = renewal_fault(pairs, old, utc_now())
        if pairs and worse is not None:
            raise option.refuse(worse)
    return tuple(pairs for _, pairs in served) or ((),)


def _endpoint_pairs(context: ParseContext) -> list[tuple[RawOption, Pairs]]:
    """Return each endpoint string with its certificates; empty if there is none."""
    listen, found = context.raw.get("listen"), []
    if listen is None or not listen.values:
        return []
    for name in filter(context.raw.__contains__, _EXCLUDED_BY_LISTEN):
        raise BadOption(
            f"{listen.source} and {context.raw[name].source} cannot be combined: the endpoint "
            "string already sets address, port and certificate; remove one of the two"
        )
    for text in listen.values:
        option = listen.only(text)
        try:
            tls = read_endpoint(context.reactor, text, folder=listen.folder, rest=context.rest).tls
        except BadEndpoint as error:
            raise option.refuse(str(error)) from None
        found.append((option, () if tls is None else tuple(tls.certificates)))
    return found


def _port_pairs(raw: Mapping[str, RawOption]) -> list[tuple[RawOption, Pairs]]:
    """Return --tls-cert with its certificate; empty without TLS."""
    certificate, key = raw.get("tls-cert"), raw.get("tls-key")
    if certificate is None or key is None:
        if present := certificate or key:
            missing = re.sub(r"[A-Za-z]+$", lambda match: _PARTNERS[match[0]], present.source)
            raise present.refuse(f"requires {missing}: TLS needs a certificate and its key")
        return []
    try:
        return [(certificate, (load_certificate(certificate.path, key.path),))]
    except BadCertificate as error:
        raise (key if error.about_key else certificate).refuse(str(error)) from None
