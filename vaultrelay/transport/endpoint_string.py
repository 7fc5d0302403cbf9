"""Endpoint strings: what a Twisted server endpoint string says, checked before anything listens."""

from pathlib import Path

from twisted.internet.endpoints import _parse, serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from vaultrelay.transport.certificate import BadCertificate, CertificatePair, load_pair
from vaultrelay.transport.tls import set_tls_policy

_HIGHEST_PORT = 65535
_PORT_KINDS = frozenset({"tcp", "tcp6", "ssl"})


class BadEndpoint(ValueError):
    """An endpoint string that cannot be used; the text says why."""


def make_endpoint(reactor: object, text: str) -> IStreamServerEndpoint:
    """The endpoint that `text` describes, its TLS under our policy; BadEndpoint for none."""
    set_tls_policy()
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except Exception as error:
        # Each kind of endpoint has its own parser, and each parser its own exceptions.
        raise BadEndpoint(f"is not a server endpoint: {_cause(error, text)}") from None
    return endpoint


def certificates_of(text: str) -> list[CertificatePair]:
    """The certificates that an endpoint string serves, as far as it names their files.

    BadEndpoint for a string that would listen but serve nobody.
    """
    try:
        args, named = _parse(text)
    except ValueError as error:
        raise BadEndpoint(f"is not a server endpoint: {error}") from None
    kind, *rest = args
    if kind == "haproxy" and rest:
        return certificates_of(text.partition(":")[2])
    if kind in _PORT_KINDS:
        _check_port(rest[0] if rest else named.get("port", ""))
    if kind == "ssl":
        return [_ssl_pair(named)]
    if kind == "tls":
        return _tls_pairs(Path(rest[0] if rest else named.get("path", "")))
    return []


def _cause(error: Exception, text: str) -> str:
    """Twisted's exception in the words of whoever wrote the string."""
    kind = text.partition(":")[0]
    if isinstance(error, TypeError):
        return f"{kind}: does not take these parts"
    if isinstance(error, LookupError) and kind == "systemd":
        return "systemd passed no such socket to this process"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _check_port(text: str) -> None:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= _HIGHEST_PORT):
        raise BadEndpoint(f"has no port from 0 to {_HIGHEST_PORT}")


def _ssl_pair(named: dict[str, str]) -> CertificatePair:
    if "sslmethod" in named:
        raise BadEndpoint("sets sslmethod: the relay itself chooses TLS 1.2 and 1.3")
    key = named.get("privateKey", "server.pem")
    certificate = named.get("certKey", key)
    try:
        return load_pair(Path(certificate), Path(key))
    except BadCertificate as error:
        file = f"privateKey={key}" if error.about_key else f"certKey={certificate}"
        raise BadEndpoint(f"names {file}, which {error}") from None


def _tls_pairs(folder: Path) -> list[CertificatePair]:
    """The pairs among the .pem files of a folder that hold a certificate and its key each."""
    pairs = []
    for path in sorted(folder.rglob("*.pem")):
        try:
            pairs.append(load_pair(path, path))
        except BadCertificate:
            # Twisted also pairs certificates and keys of different files; it finds them itself.
            continue
    if not any(folder.rglob("*.pem")):
        raise BadEndpoint(f"names the folder {folder}, in which there is no .pem file")
    return pairs
