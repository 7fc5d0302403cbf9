"""The checkup: its steps in turn, against real relays and what is none."""

import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.testing import MemoryReactorClock

from tests.authority import chain, issue, write_pair
from tests.commands.checkup.servers import answering, page
from tests.process.processes import running_relay
from vaultrelay.client.relay_endpoint import CONNECT_SECONDS
from vaultrelay.commands.checkup import STEP_SECONDS, Checkup
from vaultrelay.commands.checkup.result import StepResult
from vaultrelay.wire.refusal import token_required


def test_a_step_that_hangs_has_failed() -> None:
    clock: Any = MemoryReactorClock()
    tried = Checkup(clock, "ws://relay.test", lambda result: None)

    async def hang() -> StepResult | None:
        await Deferred()
        return None

    results: list[Any] = []
    ensureDeferred(tried._run_step("echo", hang)).addCallback(results.append)
    clock.advance(STEP_SECONDS)
    assert results[0] == {
        "step": "echo",
        "verdict": "fail",
        "passed": False,
        "seconds": STEP_SECONDS,
        "detail": "no answer in 19 s.",
        "warnings": [],
    }


def test_a_device_that_nobody_answers_was_not_interrupted() -> None:
    clock: Any = MemoryReactorClock()
    tried = Checkup(clock, "ws://127.0.0.1", lambda result: None)

    async def connect() -> StepResult | None:
        wait: Deferred[None] = Deferred()
        clock.callLater(CONNECT_SECONDS, wait.cancel)
        await wait
        return None

    results: list[Any] = []
    ensureDeferred(tried._run_step("upgrade", connect)).addCallback(results.append)
    clock.advance(CONNECT_SECONDS)
    assert results[0]["detail"].startswith("no answer in 19 s. A server accepts connections here")


async def check(url: str) -> tuple[Checkup, list[str]]:
    """A checkup of a real relay, and the lines it reports."""
    from twisted.internet import reactor

    lines: list[str] = []
    tried = Checkup(
        reactor, url, lambda result: lines.append(f"{result['step']}: {result['detail']}")
    )
    await tried.run()
    return tried, lines


@pytest_twisted.ensureDeferred
async def test_a_good_relay_passes_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, *chain(["localhost"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    flags = ("--tls-cert", str(certificate), "--tls-key", str(key), "--node-name=relay-2")
    with running_relay(*flags) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert (tried.passed, tried.warnings) == (True, []), lines
    assert {result["verdict"] for result in tried.results} == {"pass"}
    starts = [
        "name: localhost is ",
        "tcp: 127.0.0.1 answers on port ",
        "tls: TLSv1.3, TLS_",
        "http: HTTP/1.1 answers, and its clock agrees",
        "address: the relay sees 127.0.0.1, from the connection",
        "upgrade: protocol 3, relay 1.0.0",
        "join: two devices met on relay-2",
        "echo: 20 round trips",
        "largest: a message of 1048576 bytes arrived unchanged",
        "throughput: ",
        "mailbox: the relay has no mailbox",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert lines[2].endswith("valid for another 29 days")
    assert lines[-2].endswith("; the relay allows 16.8 MB/s on average")


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_nobody_trusts_fails_the_step_of_tls(tmp_path: Path) -> None:
    certificate, key = write_pair(tmp_path, issue(["localhost"]))
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: self-signed certificate. No device trusts it by")


@pytest_twisted.ensureDeferred
async def test_a_certificate_for_another_name_fails_the_step_of_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_pair(tmp_path, issue(["other.example"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_relay("--tls-cert", str(certificate), "--tls-key", str(key)) as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: The certificate is for other.example, not for localhost:")


@pytest_twisted.ensureDeferred
async def test_a_relay_without_tls_fails_the_step_of_tls() -> None:
    with running_relay() as running:
        tried, lines = await check(f"wss://localhost:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("tls: wrong version number. This port speaks ws:// (HTTP), not TLS")


@pytest_twisted.ensureDeferred
async def test_a_relay_of_another_name_fails_the_step_of_the_join() -> None:
    with running_relay("--public-url", "relay.example.org", "--rate-bytes", "0") as running:
        tried, lines = await check(f"ws://127.0.0.1:{running.port}")
    assert not tried.passed
    assert lines[-1].startswith("join: closed with 4504 audience;rule=other_audience. ")


@pytest_twisted.ensureDeferred
async def test_a_port_where_nobody_listens_fails_the_step_of_tcp() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        tried, lines = await check(f"ws://127.0.0.1:{silent.getsockname()[1]}")
    assert not tried.passed
    assert lines[-1].startswith("tcp: Connection refused. Is the relay running")


@pytest_twisted.ensureDeferred
async def test_a_host_that_does_not_exist_fails_the_first_step() -> None:
    tried, lines = await check("ws://relay.invalid")
    assert not tried.passed
    assert lines[-1].endswith("Is the host name spelled correctly, and does it exist in DNS?")


@pytest_twisted.ensureDeferred
async def test_a_token_in_the_query_is_told_before_anything_is_sent() -> None:
    tried, lines = await check("wss://relay.invalid/?token=s3cret")
    assert not tried.passed
    assert len(lines) == 1
    assert lines[0].startswith("url: The query of the URL seems to contain a token. ")


@pytest_twisted.ensureDeferred
async def test_a_warning_stops_nothing() -> None:
    with running_relay() as running:
        tried, lines = await check(f"ws://user@127.0.0.1:{running.port}")
    assert tried.passed
    assert len(lines) > 1
    assert tried.results[0]["verdict"] == "warn"
    assert [(found["step"], found["warning"]) for found in tried.warnings] == [
        ("url", "token_not_sent")
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page("301 Moved", "Location: https://localhost/"), "upgrade: A server in front of the "),
        (page("404 Not Found", "Server: nginx"), "upgrade: nginx answers 404 Not Found instead"),
        (page("200 OK"), "upgrade: A server in front of the relay answers 200 OK instead"),
        (b"", "upgrade: The connection ended without an answer."),
        (bytes(3) + b"\x04" + bytes(5), "http: The server speaks HTTP/2"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "http: This port speaks TLS: change ws:// in"),
        (
            page(
                "401 Unauthorized",
                body=token_required(is_wrong=False).body().decode(),
            ),
            "upgrade: This relay requires an access token. Ask its operator for one, and enter",
        ),
    ],
    ids=["redirect", "nothing", "page", "silent", "http2", "tls", "private"],
)
@pytest_twisted.ensureDeferred
async def test_what_is_no_relay_is_told_by_what_it_says(answer: bytes, said: str) -> None:
    with answering(answer) as port:
        tried, lines = await check(f"ws://localhost:{port}")
    assert not tried.passed
    assert lines[-1].startswith(said)


@pytest.mark.parametrize("last", ["address", "upgrade", "join", "largest", "throughput", "mailbox"])
@pytest_twisted.ensureDeferred
async def test_a_relay_that_is_killed_is_told_in_a_sentence(last: str) -> None:
    from twisted.internet import reactor

    lines: list[str] = []
    with running_relay() as running:

        def kill(result: dict[str, Any]) -> None:
            lines.append(f"{result['step']}: {result['detail']}")
            if result["step"] == last:
                running.stop(signal.SIGKILL)

        tried = Checkup(reactor, f"ws://127.0.0.1:{running.port}", kill, idle_seconds=2)
        await tried.run()
    assert not tried.passed, lines
    assert "Traceback" not in lines[-1]
    assert "Failure" not in lines[-1]
    assert {
        "address": "upgrade: Connection refused.",
        "upgrade": "join: Connection refused.",
        "join": "echo: the connection ended without a close frame.",
        "largest": "throughput: the connection ended without a close frame.",
        "throughput": "mailbox: Connection refused.",
        "mailbox": "idle: Connection refused.",
    }[last] in lines[-1], lines


@pytest_twisted.ensureDeferred
async def test_silence_is_the_last_step_if_it_is_asked_for() -> None:
    from twisted.internet import reactor

    told: list[str] = []
    with running_relay() as running:
        url = f"ws://127.0.0.1:{running.port}"
        tried = Checkup(reactor, url, lambda result: None, idle_seconds=1, progress=told.append)
        await tried.run()
    assert tried.passed
    assert tried.results[-1]["step"] == "idle"
    assert tried.results[-1]["silent_seconds"] == 1
    assert told == ["sends nothing for 1 s, to detect a proxy that cuts idle connections"]
