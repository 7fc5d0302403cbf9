"""The table of options: the one place where an option is named, described and given a default."""

from dataclasses import dataclass

from vaultrelay.logs import FORMATS, LEVELS
from vaultrelay.logs.naming import WAYS
from vaultrelay.policy import limits


@dataclass(frozen=True)
class Option:
    """One option: its name as a flag and in the file, its value's name, its help, its default."""

    name: str
    value: str
    help: str
    default: str = ""
    repeatable: bool = False

    @property
    def is_file(self) -> bool:
        """Whether its value is the name of a file that the relay reads."""
        return self.value == "FILE"

    @property
    def variable(self) -> str:
        """The environment variable of the same meaning."""
        return "RELAY_" + self.name.upper().replace("-", "_")


OPTIONS = (
    Option("port", "NUMBER", "TCP port; 0 picks one and prints it.", str(limits.DEFAULT_PORT)),
    Option(
        "bind",
        "ADDRESS",
        "Address of the interface to listen on; :: is every IPv6 and IPv4 address.",
        "0.0.0.0",  # noqa: S104  a relay is there to be reached
    ),
    Option("tls-cert", "FILE", "PEM file with the certificate and its chain. Needs --tls-key."),
    Option("tls-key", "FILE", "PEM file with the private key. Needs --tls-cert."),
    Option(
        "listen",
        "ENDPOINT",
        "Twisted endpoint string, such as unix:/run/relay.sock or systemd:index=0, "
        "instead of port, bind and the TLS files.",
        repeatable=True,
    ),
    Option(
        "public-url",
        "URL",
        "Name under which devices reach this relay, such as wss://relay.example.org. Devices that "
        "dialled another name are refused.",
        repeatable=True,
    ),
    Option(
        "node-name",
        "NAME",
        "Which of several relays this is, shown to devices, in figures and in the log: at most "
        f"{limits.NODE_NAME_CHARS} letters, digits, dots, hyphens and underscores.",
    ),
    Option(
        "access-token-file",
        "FILE",
        "File of access tokens, one a line, plain or label:sha256 (see vault-relay token): devices "
        "without one are refused.",
    ),
    Option(
        "allow-channels",
        "FILE",
        "File of channels, one a line: devices meet on no others.",
    ),
    Option(
        "allow-from",
        "NETWORK",
        "Address or network from which devices may come, or unix for unix sockets; from all if "
        "none is given.",
        repeatable=True,
    ),
    Option(
        "deny-from",
        "NETWORK",
        "Address or network from which nobody may come, though it is allowed.",
        repeatable=True,
    ),
    Option(
        "allow-origin",
        "ORIGIN",
        "Origin of web pages that may connect, such as https://app.example.org. Requests without "
        "one, as native apps send them, always may. By default all, and with --allow-from none.",
        repeatable=True,
    ),
    Option(
        "max-connections",
        "NUMBER",
        "Concurrent device connections.",
        str(limits.DEFAULT_MAX_CONNECTIONS),
    ),
    Option(
        "max-per-address",
        "NUMBER",
        "Device connections of one network address; 0 is no limit. Default a quarter of "
        f"--max-connections, at least {limits.LEAST_PER_ADDRESS}. The limits of the networks "
        "around it, /24 of IPv4, /56 and /48 of IPv6, follow from it.",
    ),
    Option(
        "trusted-proxy",
        "NETWORK",
        "Address or network of a proxy, such as 127.0.0.1 or 10.0.0.0/8, or unix for those on "
        "unix sockets: what it sends as X-Forwarded-For is believed.",
        repeatable=True,
    ),
    Option(
        "ping-seconds",
        "SECONDS",
        "A device that is silent for so long is pinged, so that no proxy forgets it; devices may "
        "ask for longer.",
        str(limits.PING_SECONDS),
    ),
    Option(
        "session-ttl",
        "SECONDS",
        "A session in which its device says nothing for so long is closed.",
        str(limits.DEFAULT_SESSION_TTL),
    ),
    Option(
        "message-bytes",
        "BYTES",
        "The largest message, header included.",
        str(limits.DEFAULT_MESSAGE_BYTES),
    ),
    Option(
        "rate-messages",
        "NUMBER",
        "Messages that one device may have delivered in a second; 0 is no limit.",
        str(limits.DEFAULT_MESSAGES_PER_SECOND),
    ),
    Option(
        "rate-bytes",
        "BYTES",
        "Bytes that one device may have delivered in a second; 0 is no limit.",
        str(limits.DEFAULT_BYTES_PER_SECOND),
    ),
    Option(
        "channel-devices",
        "NUMBER",
        "Devices in one channel.",
        str(limits.DEFAULT_CHANNEL_DEVICES),
    ),
    Option(
        "max-buffer",
        "BYTES",
        "What the relay may hold for all devices together that do not take it at once. An eighth "
        "of the memory that there is, unless given.",
    ),
    Option(
        "drain-seconds",
        "SECONDS",
        "How long to take over telling devices good-bye when the relay is stopped.",
        str(limits.DEFAULT_DRAIN_SECONDS),
    ),
    Option(
        "runtime-folder",
        "FOLDER",
        "Where the relay puts the socket that vault-relay healthcheck asks. Default "
        "$RUNTIME_DIRECTORY, or $XDG_RUNTIME_DIR/vault-relay, or a folder of its own in $TMPDIR.",
    ),
    Option(
        "admin",
        "ENDPOINT",
        "Endpoint string of the status page and of /metrics for Prometheus, such as tcp:9090. "
        "Without it there are none; on this machine alone unless it names an interface.",
    ),
    Option(
        "admin-host",
        "NAME",
        "Host name by which browsers and Prometheus may ask the admin endpoint, such as relay.lan. "
        "localhost and IP addresses always may be used.",
        repeatable=True,
    ),
    Option(
        "admin-node",
        "URL",
        "Admin endpoint of another relay, such as http://10.0.0.2:9090 or unix:/run/admin.sock: "
        "the status page shows it, too.",
        repeatable=True,
    ),
    Option("log-level", "LEVEL", "One of " + ", ".join(LEVELS) + ".", "info"),
    Option("log-format", "FORMAT", "One of " + ", ".join(FORMATS) + ".", "text"),
    Option(
        "log-addresses",
        "WAY",
        "How the log names addresses: one of " + ", ".join(WAYS) + ". A pseudonym is good for one "
        "day. Channels have a pseudonym, or no name.",
        "pseudonym",
    ),
    Option("config", "FILE", "TOML file with the same names, such as port = 8080."),
)
BY_NAME = {option.name: option for option in OPTIONS}
