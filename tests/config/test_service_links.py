"""Service links: what a cluster sets is recognized by its form, and nothing else is."""

import pytest

from vaultrelay.config.service_links import is_service_link, service_links

OF_RELAY = {
    "RELAY_SERVICE_HOST": "10.96.12.7",
    "RELAY_SERVICE_PORT": "8080",
    "RELAY_SERVICE_PORT_HTTP": "8080",
    "RELAY_PORT": "tcp://10.96.12.7:8080",
    "RELAY_PORT_8080_TCP": "tcp://10.96.12.7:8080",
    "RELAY_PORT_8080_TCP_PROTO": "tcp",
    "RELAY_PORT_8080_TCP_PORT": "8080",
    "RELAY_PORT_8080_TCP_ADDR": "10.96.12.7",
}
"""All that Kubernetes sets for a service named "relay" with a named port."""
OF_OTHERS = {
    "RELAY_ADMIN_PORT": "tcp://[fd00:10:96::c]:9090",
    "RELAY_ADMIN_SERVICE_HOST": "fd00:10:96::c",
    "RELAY_ADMIN_SERVICE_PORT_METRICS_HTTP": "9090",
    "RELAY_ADMIN_PORT_9090_TCP_ADDR": "fd00:10:96::c",
    "RELAY_2_PORT": "udp://10.96.12.9:53",
    "RELAY_2_PORT_53_UDP": "udp://10.96.12.9:53",
    "RELAY_2_PORT_53_UDP_PROTO": "udp",
    "RELAY_PUBLIC_URL_SERVICE_HOST": "10.96.12.10",
    "RELAY_X_PORT_9_SCTP": "sctp://10.96.12.11:9",
    "RELAY_NAME": "/web/relay",
    "RELAY_ENV_PATH": "/usr/bin:/bin",
    "RELAY_ENV_TEXT": "a\nb",
}
NONE = {
    "RELAY_PORT": "8080",
    "RELAY_LISTEN": "tcp:8080",
    "RELAY_ADMIN": "tcp://10.96.12.7:9090",
    "RELAY_PUBLIC_URL": "wss://relay.example.org",
    "RELAY_PROT": "tcp://10.96.12.7:8080",
    "RELAY_SERVICE_HOST": "relay.example.org",
    "RELAY_SERVICE_PORT": "http",
    "RELAY_PORT_8080_TCP_PROTO": "http",
    "RELAY_NAME": "relay-1",
    "RELAYS_PORT": "tcp://10.96.12.7:8080",
    "relay_PORT": "tcp://10.96.12.7:8080",
    "MY_RELAY_PORT": "tcp://10.96.12.7:8080",
    "RELAY_BIND": "10.96.12.7",
}


def test_all_of_a_cluster_are_recognized() -> None:
    environment = {**OF_RELAY, **OF_OTHERS, "PATH": "/bin", "RELAY_BIND": "::"}
    assert service_links(environment) == tuple(sorted({**OF_RELAY, **OF_OTHERS}))


@pytest.mark.parametrize("name", NONE)
def test_what_an_operator_writes_is_none(name: str) -> None:
    assert not is_service_link(name, NONE[name])
