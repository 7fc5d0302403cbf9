"""Endpoint strings: addresses to listen on, in the notation of Twisted's server endpoints.

This module parses TCP, TLS and unix sockets itself, so that our policy holds for them
(docs/decisions/0004-tls-of-endpoint-strings.rst). Twisted and its plugins parse all others.
"""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IStreamServerEndpoint

from vaultrelay.certificates.certificate_files import BadCertificate, read_certificates
from vaultrelay.certificates.folder import load_folder
from vaultrelay.certificates.regular_file import start_folder
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.policy.limits.pending import LISTEN_BACKLOG, UNIX_PATH_BYTES
from vaultrelay.policy.rest import Rest, no_rest
from vaultrelay.transport.endpoint import Endpoint
from vaultrelay.transport.endpoint_hints import colon_hint, correction
from vaultrelay.transport.endpoint_syntax import BadEndpoint, split_parts
from vaultrelay.transport.inherited_sockets import DOMAINS, find_socket
from vaultrelay.transport.listening_socket import InheritedSocket, TcpAddress
from vaultrelay.transport.server_tls import ServerTls
from vaultrelay.transport.unix_path import UnixPath
from vaultrelay.wire.host import MAX_PORT

__all__ = ["BadEndpoint", "read_endpoint"]

_PARTS = {
    "tcp": ("port", "interface", "backlog"),
    "tcp6": ("port", "backlog", "interface"),
    "ssl": ("port", "privateKey", "certKey", "sslmethod", "interface", "backlog"),
    "tls": ("path", "port", "backlog", "interface"),
    "unix": ("address", "mode", "backlog", "lockfile"),
    "systemd": ("domain", "index", "name"),
}
"""The kinds that this module parses, which can have haproxy: before them, and the names of their
parts in the order of positional values."""
_SSL_PARTS = frozenset({"extraCertChain", "dhParameters"})
"""The parts of `ssl:` that always have a name."""

_UNIX_MODE = "660"
"""Owner and group: a proxy can be in the relay's group. Twisted's 666 admits every user."""
_MODE = re.compile("0?[0-7]{3}")
_LIKE_A_MODE = re.compile("[0-9orwx-]*")

_REFUSED = {
    "sslmethod": "the relay uses TLS 1.2 and 1.3",
    "dhParameters": "the relay uses elliptic curves only",
}


def read_endpoint(
    reactor: Any,
    text: str,
    on_loopback: bool = False,
    folder: str | None = None,
    rest: Rest = no_rest,
) -> Endpoint:
    """Return the endpoint of `text`, without listening. Raises BadEndpoint if it is invalid.

    `on_loopback`: the default interface is the loopback. Relative file names are relative to
    `folder`, by default the current one. `rest` is called often while certificates are loaded.
    """
    folder = start_folder() if folder is None else folder
    kind, _, after = text.partition(":")
    kind = kind.lower()
    if kind == "haproxy":
        if instead := correction(after):
            instead = instead.replace("write ", "write haproxy:", 1)
            raise BadEndpoint(f"is not a server endpoint{instead}")
        endpoint = read_endpoint(reactor, after, on_loopback, folder, rest)
        if after.partition(":")[0].lower() not in _PARTS:
            raise BadEndpoint(f"has haproxy: before a kind that is not one of {', '.join(_PARTS)}")
        return replace(endpoint, is_proxied=True)
    if kind not in _PARTS:
        return Endpoint(_twisted_endpoint(reactor, kind, text))
    parts = _parts(kind, after)
    if kind == "systemd":
        return _systemd_endpoint(parts)
    if kind == "unix":
        return _unix_endpoint(parts, folder)
    if (instead := correction(text)) and not parts.get("port", "443").isdecimal():
        raise BadEndpoint(f"is not a valid {kind}: endpoint{instead}")
    address = _tcp_address(kind, parts, on_loopback)
    if kind in ("tcp", "tcp6"):
        return Endpoint(address)
    if kind == "ssl":
        return Endpoint(address, ServerTls([_ssl_certificate(parts, folder)]))
    return Endpoint(address, ServerTls(_folder_certificates(parts, folder, rest)))


def _systemd_endpoint(parts: dict[str, str]) -> Endpoint:
    # Twisted relies on `domain`. The relay asks the socket itself.
    if parts.get("domain", "INET") not in DOMAINS:
        raise BadEndpoint(f"has a domain that is not one of {', '.join(DOMAINS)}")
    descriptor = find_socket(parts.get("index"), parts.get("name"))
    return Endpoint(InheritedSocket(descriptor), is_inherited=True)


def _tcp_address(kind: str, parts: dict[str, str], on_loopback: bool) -> TcpAddress:
    port = _number(parts.get("port", "443" if kind == "tls" else ""), "port", MAX_PORT)
    backlog = _number(parts.get("backlog", str(LISTEN_BACKLOG)), "backlog", MAX_PORT)
    is_v6 = kind in ("tcp6", "tls")
    everywhere, here = ("::", "::1") if is_v6 else ("", "127.0.0.1")
    interface = parts.get("interface", here if on_loopback else everywhere)
    if kind == "tcp6" and interface.lower() == "localhost":
        # A lookup could return the IPv4 address.
        interface = here
    return TcpAddress(interface, port, backlog)


def _parts(kind: str, rest: str) -> dict[str, str]:
    """Return the parts of a string by name."""
    try:
        unnamed, named = split_parts(rest)
    except ValueError:
        raise BadEndpoint("ends in a backslash, which escapes nothing: remove it") from None
    names = _PARTS[kind]
    # The rest of a value that an unescaped colon cut looks like a positional value.
    cut = next(filter(None, (colon_hint(rest, name) for name in named)), "")
    if len(unnamed) > len(names):
        instead = correction(f"{kind}:{rest}") or cut or colon_hint(rest, "interface")
        raise BadEndpoint(f"has more parts than {kind}: accepts{instead}")
    parts = dict(zip(names, unnamed, strict=False))
    for name, value in named.items():
        if name not in names and not (kind == "ssl" and name in _SSL_PARTS):
            accepted = ", ".join(
                sorted({*names, *_SSL_PARTS} - {*_REFUSED} if kind == "ssl" else names)
            )
            raise BadEndpoint(f"has a part that {kind}: does not accept; it accepts {accepted}")
        if name in parts:
            # The path of a unix socket is the first positional value.
            path_cut = colon_hint(rest) if kind == "unix" else ""
            raise BadEndpoint(f"has {name} twice{path_cut or cut}")
        parts[name] = value
    for name, value in parts.items():
        # For example, a shell variable within the string is not set. Twisted takes an empty
        # interface for all interfaces, even for the admin endpoint.
        if not value and (cut or name not in ("port", "address", *_REFUSED)):
            cure = cut or "; give it a value, or remove it"
            raise BadEndpoint(f"has an empty {name}{cure}")
    return parts


def _number(text: str, name: str, highest: int) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(highest))
    if not digits or int(text) > highest:
        raise BadEndpoint(f"needs a {name} from 0 to {highest}")
    return int(text)


def _ssl_certificate(parts: dict[str, str], folder: str) -> ServerCertificate:
    for name, reason in _REFUSED.items():
        if name in parts:
            raise BadEndpoint(f"sets {name}, but {reason}; remove it")
    key = parts.get("privateKey", "server.pem")
    certificate = parts.get("certKey", key)
    issuers = Path(folder, parts["extraCertChain"]) if "extraCertChain" in parts else None
    try:
        if issuers is not None:
            read_certificates(issuers)
    except BadCertificate as error:
        raise BadEndpoint(
            f"names extraCertChain={parts['extraCertChain']}, which {error}"
        ) from None
    try:
        return load_certificate(Path(folder, certificate), Path(folder, key), issuers)
    except BadCertificate as error:
        file = f"privateKey={key}" if error.about_key else f"certKey={certificate}"
        raise BadEndpoint(f"names {file}, which {error}") from None


def _folder_certificates(parts: dict[str, str], folder: str, rest: Rest) -> list[ServerCertificate]:
    path = parts.get("path", "")
    if not path:
        raise BadEndpoint(
            "has no folder of certificates; write it like tls:/etc/relay/certificates"
        )
    try:
        return load_folder(Path(folder, path), rest)
    except BadCertificate as error:
        raise BadEndpoint(f"names the folder {path}, which {error}") from None


def _unix_endpoint(parts: dict[str, str], folder: str) -> Endpoint:
    address = parts.get("address", "")
    if not address:
        raise BadEndpoint("has no path; write it like unix:/run/relay.sock")
    path = str(Path(folder, address))
    size = len(os.fsencode(path))
    if size > UNIX_PATH_BYTES:
        raise BadEndpoint(
            f"has a path of {size} bytes, and a unix socket can have at most {UNIX_PATH_BYTES}"
        )
    mode, lockfile = parts.get("mode", _UNIX_MODE), parts.get("lockfile", "1")
    if not _MODE.fullmatch(mode):
        # It may be the rest of a path with a colon.
        cut = "" if _LIKE_A_MODE.fullmatch(mode) else colon_hint(f"{address}:{mode}")
        raise BadEndpoint(f"needs a mode of three octal digits, such as mode={_UNIX_MODE}{cut}")
    if lockfile not in ("0", "1"):
        raise BadEndpoint("has a lockfile that is neither 0 nor 1")
    # With Twisted's backlog a full socket refuses connections: a proxy then connects to another
    # relay, which would separate the devices of a channel.
    backlog = _number(parts.get("backlog", str(LISTEN_BACKLOG)), "backlog", MAX_PORT)
    unix = UnixPath(path, int(mode, 8), backlog, has_lock=lockfile == "1")
    return Endpoint(unix, unix_path=path)


def _twisted_endpoint(reactor: Any, kind: str, text: str) -> IStreamServerEndpoint:
    # Only these endpoints need this import, which takes 0.3 MB.
    from twisted.internet.endpoints import serverFromString

    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except Exception as error:
        # Each kind of endpoint has its own parser with its own exceptions.
        if str(error).startswith("Unknown endpoint type"):
            instead = correction(text) or "; write it like tcp:8080 or unix:/run/relay.sock"
            raise BadEndpoint(f"is not a server endpoint: {error}{instead}") from None
        raise BadEndpoint(f"is not a valid server endpoint of type {kind}") from None
    return endpoint
