"""OperationOptions: administration, log, and the process of the relay."""

from dataclasses import dataclass

from vaultrelay.cluster.url import NodeUrl
from vaultrelay.config import address_kinds
from vaultrelay.config.option import option
from vaultrelay.config.option_kinds import Choice, Kind
from vaultrelay.logs import FORMATS, LEVELS
from vaultrelay.logs.naming import WAYS
from vaultrelay.policy.limits import defaults

_ADMIN = "Administration"
_LOG = "Log"
_PROCESS = "Process"


@dataclass(frozen=True)
class OperationOptions:
    """`admin` is an endpoint string; without one there is no admin endpoint."""

    admin: str = option(
        "admin",
        address_kinds.ENDPOINT,
        "",
        _ADMIN,
        "Endpoint string of the status page and of /metrics for Prometheus, such as tcp:9090, "
        "which listens on 127.0.0.1 unless it names an interface. Default: none.",
        example="tcp:9090",
        live=False,
    )
    admin_hosts: tuple[str, ...] = option(
        "admin-host",
        address_kinds.ADMIN_HOSTS,
        (),
        _ADMIN,
        "Host name by which browsers and Prometheus may address the admin endpoint, such as "
        "relay.lan. localhost and IP addresses are always allowed.",
        example="relay.lan",
    )
    admin_nodes: tuple[NodeUrl, ...] = option(
        "admin-node",
        address_kinds.NODE_URLS,
        (),
        _ADMIN,
        "Admin endpoint of another relay, to include in the status page, such as "
        "http://10.0.0.2:9090 or unix:/run/admin.sock.",
        example="http://10.0.0.2:9090",
    )
    node_name: str = option(
        "node-name",
        address_kinds.NODE_NAME_KIND,
        "",
        _ADMIN,
        "Name that identifies this relay among several, to devices, in metrics and in the log: at "
        f"most {defaults.NODE_NAME_CHARS} letters, digits, dots, hyphens and underscores.",
        example="relay-2",
        may_be_empty=True,
    )
    log_level: str = option(
        "log-level",
        Choice("LEVEL", words=tuple(LEVELS)),
        "info",
        _LOG,
        "Lowest level to log: one of " + ", ".join(LEVELS) + ".",
    )
    log_format: str = option(
        "log-format",
        Choice("FORMAT", words=FORMATS),
        "text",
        _LOG,
        "Format of the log: one of " + ", ".join(FORMATS) + "; json is one object per line.",
    )
    log_addresses: str = option(
        "log-addresses",
        Choice("WAY", words=WAYS),
        "pseudonym",
        _LOG,
        "How the log identifies addresses: one of " + ", ".join(WAYS) + ". A pseudonym is valid "
        "for one day. Channels are always logged as pseudonyms; none omits them.",
    )
    runtime_folder: str = option(
        "runtime-folder",
        Kind("FOLDER"),
        "",
        _PROCESS,
        "Folder of the socket for vault-relay healthcheck. Default: $RUNTIME_DIRECTORY, else "
        "$XDG_RUNTIME_DIR/vault-relay, else a private folder in $TMPDIR.",
        example="/run/vault-relay",
        live=False,
        may_be_empty=True,
        in_status=False,
    )
    config: str = option(
        "config",
        Kind("FILE"),
        "",
        _PROCESS,
        "TOML file with these options as keys, such as port = 8080.",
        in_status=False,
    )
