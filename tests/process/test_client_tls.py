"""The Python client over TLS with a real relay, which loads nothing of the client's TLS."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from tests.authority import Issued, chain, write_pair
from tests.process.admin_relay import relay_with_admin, scrape
from tests.process.processes import (
    BIN,
    WAIT_SECONDS,
    RunningRelay,
    environment,
    run,
    running_relay,
    until,
)
from tests.transport.tls_client import lenient_context
from vaultrelay.client import EVERYONE, Closed, Joined, Left, Message, TlsFailed, Untrusted, connect
from vaultrelay.wire.data import HEADER_BYTES

SEED = bytes(32)
LARGE = bytes(range(256)) * 4096
SECOND_OPENSSL = "cryptography"
"""In the path of the library that pyOpenSSL and service-identity load, too."""

Started = tuple[RunningRelay, Issued]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A relay for localhost and 127.0.0.1, and the root of its certificate."""
    own, root = chain(["localhost", "127.0.0.1"])
    certificate, key = write_pair(tmp_path_factory.mktemp("certificate"), own)
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        yield running, root


def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest_twisted.ensureDeferred
async def test_devices_meet_by_name_and_by_address(relay: Started, host: str) -> None:
    running, root = relay
    url = f"wss://{host}:{running.port}"
    first = await connect(reactor(), url, SEED, b"device-a", root.pem)
    second = await connect(reactor(), url, SEED, b"device-b", root.pem)
    assert isinstance(await first.receive(), Joined)
    largest = LARGE[: first.limits.message_bytes - HEADER_BYTES]
    first.send(b"small")
    first.send(largest, to=second.session)
    await first.room()
    assert await second.receive() == Message(first.session, EVERYONE, 1, b"small")
    assert await second.receive() == Message(first.session, second.session, 2, largest)
    await second.close()
    assert await first.receive() == Left(second.session, "closed")
    first.abort()
    with pytest.raises(Closed):
        await first.receive()


@pytest_twisted.ensureDeferred
async def test_a_relay_without_tls_is_reported(relay: Started) -> None:
    _, root = relay
    with running_relay() as plain:
        url = f"wss://localhost:{plain.port}"
        with pytest.raises(TlsFailed, match=r"No TLS with localhost: .* speaks ws://"):
            await connect(reactor(), url, SEED, b"device-a", root.pem)


@pytest_twisted.ensureDeferred
async def test_a_relay_that_is_not_trusted_learns_the_reason(tmp_path: Path) -> None:
    own, root = chain(["localhost"])
    certificate, key = write_pair(tmp_path, own)
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with relay_with_admin(*tls) as (running, admin):
        for host, roots, said in (
            ("localhost", None, "of localhost is not from an authority"),
            ("127.0.0.1", root.pem, "of 127.0.0.1 is for localhost, not for this host"),
        ):
            url = f"wss://{host}:{running.port}"
            with pytest.raises(Untrusted, match=said):
                await connect(reactor(), url, SEED, b"device-a", roots)
        figures = scrape(admin)
    # With pyOpenSSL the alert for another host is an internal error.
    assert [figures[f"handshakes_total tls_{slug}"] for slug in ("distrust", "other")] == [1, 1]


def mapped(pid: int | str) -> str:
    """The files in the memory of a process."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_the_client_has_the_second_openssl_in_memory() -> None:
    """Or else the tests below could not fail."""
    assert SECOND_OPENSSL in mapped("self")


def test_a_relay_with_tls_has_not(relay: Started) -> None:
    running, _ = relay
    with tls_connection(running.port):
        found = mapped(running.process.pid)
    assert "libssl" in found
    assert SECOND_OPENSSL not in found


def test_a_relay_under_twistd_has_not(tmp_path: Path) -> None:
    # The first start after an installation imports all plugins, and caches which there are.
    assert "vault-relay" in run("twistd", "--help").stdout
    own, _ = chain(["localhost"])
    certificate, key = write_pair(tmp_path, own)
    options = ("--bind", "127.0.0.1", "--port", "0", "--tls-cert", certificate, "--tls-key", key)
    process = subprocess.Popen(
        [BIN / "twistd", "--nodaemon", "--logfile", "log", "vault-relay", *options],
        cwd=tmp_path,
        env=environment(),
    )
    try:
        log = tmp_path / "log"
        until(lambda: log.exists() and re.search(r"port (\d+)", log.read_text()))
        port = re.search(r"port (\d+)", log.read_text())
        assert port
        with tls_connection(int(port[1])):
            found = mapped(process.pid)
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)
    assert "libssl" in found
    assert SECOND_OPENSSL not in found


@contextmanager
def tls_connection(port: int) -> Iterator[None]:
    """A connection after its handshake, and a first answer."""
    with (
        socket.create_connection(("127.0.0.1", port)) as tcp,
        lenient_context().wrap_socket(tcp) as wire,
    ):
        wire.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 200")
        yield


def test_a_check_over_tls_loads_neither(relay: Started, tmp_path: Path) -> None:
    running, root = relay
    (tmp_path / "root.pem").write_bytes(root.pem)
    checked = run(
        "vault-relay",
        "check",
        f"wss://localhost:{running.port}",
        SSL_CERT_FILE=str(tmp_path / "root.pem"),
        PYTHONPROFILEIMPORTTIME="1",
    )
    assert checked.returncode == 0, checked.stdout
    names = {line.rpartition("|")[2].strip() for line in checked.stderr.splitlines()}
    if "VAULT_RELAY_BIN" not in os.environ:
        assert {"ssl", "vaultrelay.client.device"} <= names
    # The last: what pyOpenSSL itself imports. The attempt is listed, too, and fails.
    assert (
        not {"cryptography", "service_identity", "vaultrelay.client.tls", "OpenSSL._util"} & names
    )
