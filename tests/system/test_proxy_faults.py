"""Real proxies that do not fit the relay behind them: what a device and the operator learn."""

import json
import shutil
import socket
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS, RunningRelay, running_relay
from tests.system.fronts import Kind, free_port, running

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: relay.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"X-VaultMesh-Protocol: 3\r\n\r\n"
)
NGINX = """
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{relay}; {fault} }}
    }}
}}
"""
HAPROXY = """
defaults
    mode {mode}
    timeout connect 5s
    timeout client 9s
    timeout server 9s
listen devices
    bind 127.0.0.1:{port}
    {fault}
"""
HEADERS = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
SERVER = "server relay 127.0.0.1:{relay}"
FAULTS = {
    "nginx as it comes": ("nginx", "", "upgrade_lost", "without 'Upgrade: websocket'"),
    "nginx, HTTP/1.0": (
        "nginx",
        f"proxy_http_version 1.0; {HEADERS}",
        "upgrade_lost",
        "without HTTP/1.1",
    ),
    "nginx, keepalive": (
        "nginx",
        'proxy_http_version 1.1; proxy_set_header Connection "";',
        "upgrade_lost",
        "without 'Upgrade: websocket' and 'Connection: Upgrade'",
    ),
    "haproxy, no Upgrade": (
        "http",
        f"http-request del-header Upgrade\n    {SERVER}",
        "upgrade_lost",
        "without 'Upgrade: websocket'",
    ),
    "haproxy, PROXY 1": (
        "tcp",
        f"{SERVER} send-proxy",
        "proxy_unexpected",
        "A PROXY header arrived",
    ),
    "haproxy, PROXY 2": (
        "tcp",
        f"{SERVER} send-proxy-v2",
        "proxy_unexpected",
        "A PROXY header arrived",
    ),
    "haproxy, PROXY before HTTP": (
        "http",
        f"{SERVER} send-proxy-v2",
        "proxy_unexpected",
        "A PROXY header arrived",
    ),
    "haproxy, no PROXY": ("tcp", SERVER, "proxy_missing", "expects the PROXY protocol"),
    "haproxy, no PROXY before HTTP": (
        "http",
        SERVER,
        "proxy_missing",
        "expects the PROXY protocol",
    ),
}
"""By name: program or mode, its fault, our word for it, and what the device is told."""
CURES = {
    "upgrade_lost": "proxy_set_header Upgrade $http_upgrade",
    "proxy_unexpected": "put haproxy: before the endpoint string (--listen",
    "proxy_missing": "remove haproxy: from --listen",
}


def asked_through(port: int) -> dict[str, str]:
    """The JSON of what a device gets from a proxy."""
    with (
        socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as device,
        HTTPResponse(device) as answer,
    ):
        device.sendall(UPGRADE)
        answer.begin()
        assert answer.status == 400
        told: dict[str, str] = json.loads(answer.read())
    return told


def ask(relay: RunningRelay, name: str, folder: Path) -> dict[str, str]:
    program, fault, _, _ = FAULTS[name]
    port = free_port()
    fault = fault.format(relay=relay.port) if program != "nginx" else fault
    text = NGINX if program == "nginx" else HAPROXY
    file = folder / "proxy.conf"
    file.write_text(
        text.format(folder=folder, port=port, relay=relay.port, fault=fault, mode=program)
    )
    kind = Kind("nginx" if program == "nginx" else "haproxy", (file.name,))
    found = shutil.which(kind.program) or shutil.which(kind.program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"needs {kind.program}, which tests/system/install.sh could not install")
    command = (
        [found, "-e", "stderr", "-g", "daemon off;", "-c", str(file)]
        if program == "nginx"
        else [found, "-db", "-f", str(file)]
    )
    with running(kind, command, port, folder / "proxy.log"):
        return asked_through(port)


@pytest.mark.parametrize("name", FAULTS)
def test_the_device_is_told_what_and_the_operator_how_to_mend_it(name: str, tmp_path: Path) -> None:
    _, _, slug, said = FAULTS[name]
    kind = "haproxy:tcp" if slug == "proxy_missing" else "tcp"
    with running_relay("--listen", f"{kind}:0:interface=127.0.0.1") as relay:
        assert said in ask(relay, name, tmp_path)["detail"]
        status, log = relay.stop()
    assert status == 0
    warned = [line for line in log.splitlines() if " warn " in line]
    assert any(CURES[slug] in line for line in warned)
    assert any(f"{slug} " in line for line in warned if "Refused connections since" in line)
