"""Values with a form of their own: addresses, names, URLs and endpoint strings."""

from ipaddress import ip_address

from vaultrelay.cluster.url import NODE_NAME, NodeUrl
from vaultrelay.config.option_kinds import Kind, Listed, ParseContext
from vaultrelay.config.raw_option import RawOption
from vaultrelay.policy.limits import access, admin, defaults
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins
from vaultrelay.policy.proxies import TrustedProxies
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.relay_url import host_of_url


def _bind(raw: RawOption, context: ParseContext) -> str:
    address = raw.last.removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
    except ValueError:
        raise raw.refuse(
            "must be an IP address of this machine, or 0.0.0.0 or :: for all of them"
        ) from None
    return address


def _node_name(raw: RawOption, context: ParseContext) -> str:
    if not NODE_NAME.fullmatch(raw.last):
        raise raw.refuse(
            f"must be at most {defaults.NODE_NAME_CHARS} characters from A-Z a-z 0-9 . _ -, "
            "such as relay-2"
        )
    return raw.last


def _endpoint(raw: RawOption, context: ParseContext) -> str:
    try:
        read_endpoint(context.reactor, raw.last, folder=raw.folder)
    except BadEndpoint as error:
        raise raw.refuse(str(error)) from None
    return raw.last


def _public_url(text: str) -> str:
    if "@" in text:
        raise ValueError("a public URL is visible to everyone; remove the token")
    try:
        host_of_url(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is not a valid public URL: {error}") from None
    return text


def _admin_host(text: str) -> str:
    if "*" in text:
        raise ValueError(f"{text!r} is a pattern, not a host name")
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
ENDPOINTS = Listed("ENDPOINT")
PUBLIC_URLS = Listed("URL", one=_public_url)
ADMIN_HOSTS = Listed(
    "NAME",
    one=_admin_host,
    template="{error}; set a name without a port, such as relay.lan",
    join=lambda hosts, raw: tuple(dict.fromkeys(hosts)),
    maximum=admin.MAX_NODES,
    noun="names",
)
NODE_URLS = _NodeUrls(
    "URL",
    one=NodeUrl.read,
    template="'{text}' {error}",
    join=lambda urls, raw: tuple(dict.fromkeys(url.in_folder(raw.folder) for url in urls)),
    maximum=admin.MAX_NODES,
    noun="relays",
)
PROXIES = Listed("NETWORK", one=_proxy, maximum=access.MAX_NETWORKS, noun="networks")
ORIGINS = Listed(
    "ORIGIN",
    empty="none",
    one=lambda text: Origins.read([text]),
    join=lambda origins, raw: Origins.read(raw.values),
    maximum=access.MAX_NETWORKS,
    noun="origins",
)


def networks(if_empty: str = "", empty: str = "-") -> Listed:
    """Return the kind for networks. `if_empty` and `empty` are for an empty list."""
    return Listed(
        "NETWORK",
        empty=empty,
        one=lambda text: Networks.read([text]),
        join=lambda networks, raw: Networks.read(raw.values),
        maximum=access.MAX_NETWORKS,
        noun="networks",
        if_empty=if_empty,
    )
