"""Values with a form of their own: addresses, names, URLs and endpoint strings."""

from ipaddress import ip_address

from vaultrelay.cluster.url import NODE_NAME, NodeUrl
from vaultrelay.config.given import BadOption, Given
from vaultrelay.config.kinds import Kind, Listed, Reading
from vaultrelay.policy import limits
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.relay_url import host_of_url

_EXCLUDED_BY_LISTEN = ("port", "bind", "tls-cert", "tls-key")


def _bind(given: Given, reading: Reading) -> str:
    address = given.last.removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
    except ValueError:
        raise given.refuse(
            "must be an IP address of this machine, or 0.0.0.0 or :: for all of them"
        ) from None
    return address


def _node_name(given: Given, reading: Reading) -> str:
    if not NODE_NAME.fullmatch(given.last):
        raise given.refuse(
            f"must be at most {limits.NODE_NAME_CHARS} of A-Z a-z 0-9 . _ -, such as relay-2"
        )
    return given.last


def _endpoint(given: Given, reading: Reading) -> str:
    try:
        read_endpoint(reading.reactor, given.last, folder=given.folder)
    except BadEndpoint as error:
        raise given.refuse(str(error)) from None
    return given.last


def _check_listen(given: Given, reading: Reading) -> None:
    """The endpoint strings are read together with their certificates."""
    for name in _EXCLUDED_BY_LISTEN:
        if name in reading.given:
            raise BadOption(
                f"{given.origin} and {reading.given[name].origin} exclude each other: an "
                "endpoint string says itself where to listen and with which certificate"
            )


def _public_url(text: str) -> str:
    if "@" in text:
        raise ValueError("a public URL is shown to all, keep the token out")
    try:
        host_of_url(text)
    except ValueError as error:
        raise ValueError(
            f"'{text}' must be a URL such as wss://relay.example.org: {error}"
        ) from None
    return text


def _admin_host(text: str) -> str:
    if "*" in text:
        raise ValueError(f"{text!r} is a pattern, and no name")
    return canonical_host(text)


def _proxy(text: str) -> str:
    TrustedProxies.read([text])
    return text


class _NodeUrls(Listed):
    def show(self, value: tuple[NodeUrl, ...]) -> object:
        return super().show(tuple(url.text for url in value))


BIND = Kind("ADDRESS", _bind)
NODE_NAME_KIND = Kind("NAME", _node_name)
ENDPOINT = Kind("ENDPOINT", _endpoint)
ENDPOINTS = Listed("ENDPOINT", _check_listen)
PUBLIC_URLS = Listed("URL", one=_public_url)
ADMIN_HOSTS = Listed(
    "NAME",
    one=_admin_host,
    wrong="{error}; write a name without a port, such as relay.lan",
    join=lambda hosts, given: tuple(dict.fromkeys(hosts)),
    most=limits.MOST_NODES,
    noun="names",
)
NODE_URLS = _NodeUrls(
    "URL",
    one=NodeUrl.read,
    wrong="'{text}' {error}",
    join=lambda urls, given: tuple(dict.fromkeys(url.in_folder(given.folder) for url in urls)),
    most=limits.MOST_NODES,
    noun="relays",
)
PROXIES = Listed("NETWORK", one=_proxy, most=limits.MOST_NETWORKS, noun="networks")
ORIGINS = Listed(
    "ORIGIN",
    empty="none",
    one=lambda text: Origins.read([text]),
    join=lambda origins, given: Origins.read(given.values),
    most=limits.MOST_NETWORKS,
    noun="origins",
)


def networks(nothing: str = "", empty: str = "-") -> Listed:
    """Return the kind for networks. `nothing` and `empty` are for an empty list."""
    return Listed(
        "NETWORK",
        empty=empty,
        one=lambda text: Networks.read([text]),
        join=lambda networks, given: Networks.read(given.values),
        most=limits.MOST_NETWORKS,
        noun="networks",
        nothing=nothing,
    )
