"""Host names in their canonical form, in which a proof contains the name that a device dialled."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

import idna

LABEL = re.compile("[a-z0-9_-]{1,63}")
"""A DNS label (RFC 1035, section 2.3.4), in lower case."""
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
"""A last label that makes browsers parse a name as an IPv4 address (WHATWG URL, section 3.5)."""
_IPV6 = 6
MAX_PORT = 65535
DEFAULT_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}


def canonical_host(host: str) -> str:
    """Return `host` in the form of an audience: A-labels, lower case, addresses as in RFC 5952.

    Raises ValueError if it is neither a host name nor an IP address.
    """
    if "%" in host:
        raise ValueError(f"{host!r} names an interface of one machine")
    bracketed = host.startswith("[") and host.endswith("]")
    address = literal_address(host[1:-1] if bracketed else host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # By RFC 5952, section 5; Python's own form changed with 3.13.
        return f"::ffff:{address.ipv4_mapped}"
    if address is not None and (address.version == _IPV6 or not bracketed):
        return str(address)
    wildcard, name = ("*.", host[2:]) if host.startswith("*.") else ("", host)
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError(f"{host!r} is not a host name") from None
    # Names such as my_nas.lan work in DNS though they are not internationalized names.
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{host!r} is not a host name")
    if not wildcard and _NUMBER.fullmatch(labels[-1]) and literal_address(name) is None:
        raise ValueError(
            f"{host!r} is not a host name, nor an IPv4 address of four decimal numbers"
        )
    return wildcard + name


def is_canonical_host(host: str) -> bool:
    """Return whether `host` is in the form of an audience."""
    try:
        return canonical_host(host) == host
    except ValueError:
        return False


def host_port(host: str, port: int) -> str:
    """Return host and port in the form of a Host header."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is; None for a name."""
    if ":" not in host and not host[-1:].isdigit():
        # A name, as most hosts are. An exception takes ten times as long.
        return None
    try:
        return ip_address(host)
    except ValueError:
        return None
