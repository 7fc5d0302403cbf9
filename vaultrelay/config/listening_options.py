"""ListeningOptions: the listeners of the relay."""

from dataclasses import dataclass

from vaultrelay.config import address_kinds
from vaultrelay.config.option import option
from vaultrelay.config.option_kinds import Integer, Kind
from vaultrelay.policy.limits import defaults

_GROUP = "Listening"


@dataclass(frozen=True)
class ListeningOptions:
    """`listen` are endpoint strings. Without any, the relay listens at `port` and `bind`."""

    port: int = option(
        "port",
        Integer(within=(0, 65535)),
        defaults.DEFAULT_PORT,
        _GROUP,
        "TCP port to listen on. With 0 the system picks a free port, and the relay prints it.",
        live=False,
        in_status=False,
    )
    bind: str = option(
        "bind",
        address_kinds.BIND,
        "0.0.0.0",  # noqa: S104  a relay is there to be reached
        _GROUP,
        "IP address to listen on. 0.0.0.0 means all IPv4 addresses, :: all IPv4 and IPv6 "
        "addresses.",
        live=False,
        in_status=False,
    )
    tls_cert: str = option(
        "tls-cert",
        Kind("FILE"),
        "",
        _GROUP,
        "PEM file with the certificate and its chain. Requires --tls-key.",
        example="/etc/vault-relay/fullchain.pem",
        in_status=False,
    )
    tls_key: str = option(
        "tls-key",
        Kind("FILE"),
        "",
        _GROUP,
        "PEM file with the private key of the certificate. Requires --tls-cert.",
        example="/etc/vault-relay/privkey.pem",
        in_status=False,
    )
    listen: tuple[str, ...] = option(
        "listen",
        address_kinds.ENDPOINTS,
        (),
        _GROUP,
        "Twisted endpoint string, such as unix:/run/relay.sock or systemd:index=0. Replaces "
        "--port, --bind, --tls-cert and --tls-key.",
        example="tcp:8080:interface=127.0.0.1",
        live=False,
        in_status=False,
    )
    public_urls: tuple[str, ...] = option(
        "public-url",
        address_kinds.PUBLIC_URLS,
        (),
        _GROUP,
        "URL that users enter in the app, such as wss://relay.example.org. Devices that dial "
        "another host name are refused.",
        example="wss://relay.example.org",
    )
    trusted_proxies: tuple[str, ...] = option(
        "trusted-proxy",
        address_kinds.PROXIES,
        (),
        _GROUP,
        "Address or network of a proxy whose X-Forwarded-For is trusted, such as 127.0.0.1 or "
        "10.0.0.0/8, or unix for unix sockets. Default: none.",
        example="127.0.0.1",
    )
