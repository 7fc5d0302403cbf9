"""The checkup: what it says of each failure."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.testing import MemoryReactorClock

from tests.certificates import issue, write_pair
from tests.process.processes import running_relay
from vaultrelay.client import Closed, Refused
from vaultrelay.commands import checkup


def ssl_error(reason: str = "") -> ssl.SSLError:
    """An error as the standard library raises it; without a reason, of a certificate."""
    error = ssl.SSLError() if reason else ssl.SSLCertVerificationError()
    error.reason = reason or "CERTIFICATE_VERIFY_FAILED"
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "step", "said"),
    [
        (OSError(-2, "Name or service not known"), "name", "Name or service not known. Is the"),
        (Refusal(), "tcp", "Connection was refused by other side. Is the relay running"),
        (ssl_error(), "tls", "self-signed certificate. Does the relay serve TLS here"),
        (ssl_error("WRONG_VERSION_NUMBER"), "tls", "wrong version number. Does the relay serve"),
        (ssl.SSLError(), "tls", "SSLError. Does the relay serve TLS here"),
        (Refused(503, "relay_full", "Full."), "upgrade", "Full. (503 relay_full)."),
        (TimeoutError(), "upgrade", "no answer in 20 s. Something accepts connections here"),
        (Closed(4504, "audience"), "join", "closed with 4504 audience. The device dialled a name"),
        (Closed(4004, "a\x1bb"), "echo", "closed with 4004 a\\x1bb. The device did not read"),
    ],
)
def test_each_failure_is_told_with_where_to_look(error: Exception, step: str, said: str) -> None:
    assert checkup.explain(error, step).startswith(said)


class Peer:
    """A device that receives what the test says, in place of a real one."""

    def __init__(self, *events: Any) -> None:
        self.events = list(events)

    async def receive(self) -> Any:
        return self.events.pop(0)


def test_anything_but_a_message_ends_an_exchange() -> None:
    device: Any = Peer("something else")
    failed: Deferred[Any] = ensureDeferred(checkup._payload(device))
    found: list[Any] = []
    failed.addErrback(found.append)
    assert str(found[0].value) == "instead of a message came str"


def test_a_step_that_hangs_has_failed() -> None:
    clock: Any = MemoryReactorClock()
    tried = checkup.Checkup(clock, "ws://relay.test", lambda result: None)

    async def hang() -> dict[str, Any]:
        await Deferred()
        return {}

    results: list[Any] = []
    ensureDeferred(tried._take("echo", hang)).addCallback(results.append)
    clock.advance(checkup.STEP_SECONDS)
    assert (results[0]["passed"], results[0]["detail"]) == (False, "no answer in 20 s.")


async def check(url: str) -> tuple[checkup.Checkup, list[str]]:
    """A checkup of a real relay, and the lines it reports."""
    from twisted.internet import reactor

    lines: list[str] = []
    tried = checkup.Checkup(
        reactor, url, lambda result: lines.append(f"{result['step']}: {result['detail']}")
    )
    await tried.run()
    return tried, lines


@pytest_twisted.ensureDeferred
async def test_a_good_relay_passes_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue(["localhost"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert tried.passed, lines
    starts = [
        "name: localhost is ",
        "tcp: 127.0.0.1 answers on port ",
        "tls: TLSv1.3, TLS_",
        "upgrade: protocol 3, relay 1.0.0",
        "join: two devices met",
        "echo: 20 round trips",
        "largest: a message of 1048576 bytes arrived whole",
        "throughput: ",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert lines[2].endswith("good for another 29 days")
    assert lines[-1].endswith("; the relay allows 17 MB/s in the long run")


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_nobody_trusts_fails_the_step_of_tls(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue(["localhost"]))
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: self-signed certificate. Does the relay serve TLS")


@pytest_twisted.ensureDeferred
async def test_a_certificate_for_another_name_fails_the_step_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue(["other.example"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: Hostname mismatch, certificate is not valid for 'localhost'")


@pytest_twisted.ensureDeferred
async def test_a_relay_without_tls_fails_the_step_of_tls() -> None:
    with running_relay() as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: ")
    assert "Does the relay serve TLS here" in lines[-1]


@pytest_twisted.ensureDeferred
async def test_a_relay_of_another_name_fails_the_step_of_the_join() -> None:
    with running_relay("--public-url", "relay.example.org", "--rate-bytes", "0") as running:
        tried, lines = await check(f"ws://127.0.0.1:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("join: closed with 4504 audience. ")


@pytest_twisted.ensureDeferred
async def test_a_port_where_nobody_listens_fails_the_step_of_tcp() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        tried, lines = await check(f"ws://127.0.0.1:{silent.getsockname()[1]}")
    assert not tried.passed
    assert lines[-1].startswith("tcp: Connection was refused by other side")


@pytest_twisted.ensureDeferred
async def test_a_host_that_does_not_exist_fails_the_first_step() -> None:
    tried, lines = await check("ws://relay.invalid")
    assert not tried.passed
    assert lines[-1].endswith("Is the host name spelled right, and does DNS know it?")
