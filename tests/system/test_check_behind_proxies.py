"""`vault-relay check` through real proxies: what it says of each way to set one up wrongly."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from string import Template
from typing import Any

import pytest

from tests.authority import chain, write_pair
from tests.process.processes import BIN, environment, running_relay
from tests.system.fronts import HAPROXY, NGINX, Kind, front
from tests.system.test_idle_limits import WITH_IDLE_LIMIT

CONFIGURATION = Template(
    """
    daemon off;
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log /dev/null;
    events { worker_connections 200; }
    http {
        access_log off;
        client_body_temp_path ${folder}/body;
        proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/fastcgi;
        uwsgi_temp_path ${folder}/uwsgi;
        scgi_temp_path ${folder}/scgi;
        proxy_http_version 1.1;
        server { listen ${address}:${port}${listen}; location / { ${location} } ${server} }
    }
    """
)
UPGRADES = (
    "proxy_pass http://127.0.0.1:{relay}; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection upgrade;"
)
PATIENCE = 200
CHECK_SECONDS = 60


def check(url: str, *flags: str, **variables: str) -> dict[str, Any]:
    """What the command finds, as a program reads it."""
    done = subprocess.run(
        [BIN / "vault-relay", "check", "--json", *flags, url],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=CHECK_SECONDS,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["passed"] else 1)
    return found


def warned(found: dict[str, Any]) -> list[str]:
    return [warning["warning"] for warning in found["warnings"]]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts nginx with one server of the test's; the port of it."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("needs nginx")
    running = []

    def start(location: str, listen: str = "", server: str = "", address: str = "127.0.0.1") -> int:
        with socket.create_server((address, 0)) as listening:
            port: int = listening.getsockname()[1]
        values = {"folder": tmp_path, "address": address, "port": port}
        values |= {"location": location, "listen": listen, "server": server}
        (tmp_path / "nginx.conf").write_text(CONFIGURATION.substitute(values))
        command = [program, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        running.append(process)
        for _ in range(PATIENCE):
            try:
                socket.create_connection((address, port)).close()
            except OSError:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(timeout=0.05)
            else:
                break
        return port

    yield start
    for process in running:
        process.terminate()
        process.wait()


def own_address() -> str:
    """An address of this machine that is not its loopback's."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as unsent:
        try:
            unsent.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("needs a network interface beside the loopback")
        return str(unsent.getsockname()[0])


@pytest.mark.parametrize("kind", WITH_IDLE_LIMIT, ids=str)
def test_a_proxy_that_cuts_silence_is_found(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path, idle="5s") as proxy:
        url = f"wss://localhost:{proxy.port}"
        found = check(url, "--idle=12", SSL_CERT_FILE=str(proxy.certificate))
    assert found["passed"]
    assert "idle_cut" in warned(found)
    idle = found["steps"][-1]
    assert (idle["step"], idle["verdict"], idle["ping_seconds"]) == ("idle", "warn", 50)
    assert 0 < idle["cut_after_seconds"] < 12


@pytest.mark.parametrize("kind", [HAPROXY, NGINX], ids=str)
def test_a_proxy_that_waits_longer_is_left_alone(kind: Kind, tmp_path: Path) -> None:
    with front(kind, tmp_path) as proxy:
        url = f"wss://localhost:{proxy.port}"
        found = check(url, "--idle=2", SSL_CERT_FILE=str(proxy.certificate))
    assert (found["passed"], warned(found)) == (True, [])
    assert found["steps"][-1]["cut_after_seconds"] is None


@pytest.mark.parametrize(
    ("location", "step", "said"),
    [
        ("return 301 https://$host$request_uri;", "upgrade", "Use a wss:// URL, such as wss://loc"),
        ("return 302 /login;", "upgrade", "redirects to http://localhost"),
        ('default_type text/html; return 200 "<p>";', "upgrade", "200 OK with a web page instead"),
        ("deny all;", "upgrade", "answers 403 Forbidden with a web page instead of the relay."),
        ("return 401;", "upgrade", "answers 401 Unauthorized, and it is not the relay. Give its"),
        ("return 404;", "upgrade", "No relay has this path"),
        ("proxy_pass http://127.0.0.1:1;", "upgrade", "502 Bad Gateway with a web page instead"),
        ("proxy_pass http://127.0.0.1:{relay};", "upgrade", "must forward the upgrade"),
    ],
    ids=["https", "login", "page", "forbidden", "password", "nothing", "dead", "no-upgrade"],
)
def test_a_proxy_that_keeps_devices_out_is_told_how(
    nginx: Callable[..., int], location: str, step: str, said: str
) -> None:
    with running_relay() as relay:
        found = check(f"ws://localhost:{nginx(location.replace('{relay}', str(relay.port)))}")
    assert not found["passed"]
    assert found["steps"][-1]["step"] == step
    assert said in found["steps"][-1]["detail"]


def test_a_port_of_http_2_alone_is_told_so(nginx: Callable[..., int]) -> None:
    found = check(f"ws://localhost:{nginx('return 204;', listen=' http2')}")
    if found["steps"][-1]["step"] == "upgrade":
        pytest.skip("this nginx speaks HTTP/1.1 beside HTTP/2")
    assert found["steps"][-1]["detail"].startswith("The server speaks HTTP/2")


@pytest.mark.parametrize(
    ("protocols", "warnings"),
    [("TLSv1 TLSv1.1 TLSv1.2", ["old_tls"]), ("TLSv1.2 TLSv1.3", [])],
    ids=["old", "new"],
)
def test_tls_that_nobody_should_speak_any_more_is_found(
    nginx: Callable[..., int], tmp_path: Path, protocols: str, warnings: list[str]
) -> None:
    certificate, key = write_pair(tmp_path, *chain(["localhost"]))
    server = (
        f"ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols {protocols}; "
        "ssl_ciphers ALL:@SECLEVEL=0;"
    )
    with running_relay() as relay:
        location = UPGRADES.replace("{relay}", str(relay.port))
        port = nginx(location, listen=" ssl http2", server=server)
        found = check(f"wss://localhost:{port}", SSL_CERT_FILE=str(certificate))
    assert (found["passed"], warned(found)) == (True, warnings)


@pytest.mark.parametrize(
    ("flags", "seen", "warnings"),
    [((), "127.0.0.1", ["address_hidden"]), (("--trusted-proxy", "127.0.0.1"), None, [])],
    ids=["untrusted", "trusted"],
)
def test_a_relay_that_takes_its_callers_for_its_proxy_is_found(
    nginx: Callable[..., int], flags: tuple[str, ...], seen: str | None, warnings: list[str]
) -> None:
    address = own_address()
    with running_relay(*flags) as relay:
        location = UPGRADES + "proxy_set_header X-Forwarded-For $remote_addr;"
        port = nginx(location.replace("{relay}", str(relay.port)), address=address)
        found = check(f"ws://{address}:{port}")
    assert (found["passed"], warned(found)) == (True, warnings)
    (step,) = (each for each in found["steps"] if each["step"] == "address")
    assert step["seen"] == (seen or address)
