"""How a relay process ends: in its drain time, whoever is connected and however they behave."""

import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import ssl
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.process.crowd import HEALTH, ask, dial
from tests.process.page_client import CLOSE, TEXT, Connection, Identity, upgrade_head
from tests.process.processes import (
    BIN,
    WAIT_SECONDS,
    RunningRelay,
    environment,
    minds,
    running_relay,
    until,
)
from tests.transport.tls_client import lenient_context

DRAIN = ("--drain-seconds", "2")

Dial = Callable[[], Connection]


class TlsConnection(Connection):
    """The same with TLS."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.stream.close()
        self.tcp = lenient_context().wrap_socket(self.tcp, server_hostname="localhost")
        self.stream = self.tcp.makefile("rb")


@pytest.fixture(params=[Connection, TlsConnection], ids=["ws", "wss"])
def scene(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[RunningRelay, Dial, ssl.SSLContext | None]]:
    kind = request.param
    certificate, key = write_pair(tmp_path, issue(["localhost", "127.0.0.1"]))
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with (
        running_relay(*DRAIN, *(tls if kind is TlsConnection else ())) as relay,
        ExitStack() as stack,
    ):

        def dialled() -> Connection:
            connection: Connection = stack.enter_context(kind(relay.port))
            return connection

        yield relay, dialled, lenient_context() if kind is TlsConnection else None


def closes(connection: Connection, heard: list[tuple[int, bytes]]) -> None:
    """Read until the close, answer it, and keep all that came."""
    while not heard or heard[-1][0] != CLOSE:
        heard.append(connection.receive())
    connection.send(CLOSE, heard[-1][1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_are_told_and_nobody_holds_up_the_end(
    scene: tuple[RunningRelay, Dial, ssl.SSLContext | None], number: int
) -> None:
    relay, dialled, context = scene
    identity = Identity()
    polite, deaf, rude, unjoined = dialled(), dialled(), dialled(), dialled()
    for device in (polite, deaf, rude):
        device.join(Identity(identity.seed))
    # More than the kernel and the relay hold for a device that does not read.
    polite.tcp.settimeout(0.3)
    with suppress(TimeoutError, OSError):
        for id in range(200):
            polite.data(deaf.me, id, bytes(60_000))
    polite.tcp.settimeout(20)
    # Late, as it has ten seconds for its hello, and a slow machine has taken its time until here.
    unjoined.upgrade(identity.channel)
    silent, dripping = dial(relay.port, context), dial(relay.port, context)
    dripping.sendall(b"GET / HT")
    with silent, dripping:
        relay.process.send_signal(number)
        assert unjoined.closed() == (4000, "restart")
        assert b'"status":"draining"' in ask(relay.port, HEALTH, context)
        assert b"503" in ask(relay.port, upgrade_head(identity.channel), context)
        controls = [json.loads(rude.receive()[1]) for _ in range(1)]
        assert controls[-1]["type"] == "draining"
        status, log = relay.stop(0)
    assert status == 0
    assert "because they did not close in time" in log
    assert "Traceback" not in log
    assert is_free(relay.port)


def test_devices_that_answer_are_not_cut_off(
    scene: tuple[RunningRelay, Dial, ssl.SSLContext | None],
) -> None:
    relay, dialled, _ = scene
    identity = Identity()
    devices = [dialled() for _ in range(5)]
    for device in devices:
        device.join(Identity(identity.seed))
    heard: list[list[tuple[int, bytes]]] = [[] for _ in devices]
    threads = [
        threading.Thread(target=closes, args=each) for each in zip(devices, heard, strict=True)
    ]
    relay.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.start()
    status, log = relay.stop(0)
    for thread in threads:
        thread.join()
    assert status == 0
    assert "cut off" not in log
    for each in heard:
        told = [json.loads(payload)["type"] for opcode, payload in each if opcode == TEXT]
        assert told.count("draining") == 1
        assert each[-1] == (CLOSE, (4000).to_bytes(2, "big") + b"restart")


def test_a_second_signal_closes_every_device_at_once() -> None:
    with (
        running_relay("--drain-seconds", "3600") as relay,
        Connection(relay.port) as polite,
        Connection(relay.port) as rude,
        dial(relay.port),
    ):
        polite.join(Identity())
        rude.join(Identity())
        relay.process.send_signal(signal.SIGINT)
        for device in (polite, rude):
            assert device.control("draining")["closes_in"] == 3600
        relay.process.send_signal(signal.SIGTERM)
        # The first answers its close, the second does not.
        assert polite.closed() == (4000, "restart")
        polite.send(CLOSE, (4000).to_bytes(2, "big"))
        assert rude.closed() == (4000, "restart")
        _, log = relay.process.communicate(timeout=WAIT_SECONDS)
    assert relay.process.returncode == 0
    assert "Drain aborted; devices disconnected now: 2" in log
    assert "Connections aborted because they did not close in time: 1" in log
    assert "Traceback" not in log
    assert is_free(relay.port)


def test_two_signals_in_one_moment_are_the_first_and_the_second() -> None:
    with (
        running_relay("--drain-seconds", "3600") as relay,
        Connection(relay.port) as device,
    ):
        device.join(Identity())
        # Stopped, it handles both in one turn.
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            relay.process.send_signal(number)
        assert device.control("draining")["closes_in"] == 3600
        assert device.closed() == (4000, "restart")
        _, log = relay.process.communicate(timeout=WAIT_SECONDS)
    assert relay.process.returncode == 0
    assert "Traceback" not in log


def test_signals_that_mean_nothing_do_not_end_a_relay_and_others_drain_it() -> None:
    meaningless = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPIPE"]
    with (
        running_relay("--drain-seconds", "3600") as relay,
        Connection(relay.port) as device,
    ):
        device.join(Identity())
        for name in meaningless:
            relay.process.send_signal(signal.Signals[name])
        relay.process.send_signal(signal.SIGRTMIN + 3)
        assert b"200 OK" in ask(relay.port)
        relay.process.send_signal(signal.SIGQUIT)
        assert device.control("draining")["closes_in"] == 3600
        relay.process.send_signal(signal.SIGXCPU)
        assert device.closed() == (4000, "restart")
        _, log = relay.process.communicate(timeout=WAIT_SECONDS)
    assert relay.process.returncode == 0
    for name in ("SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGRTMIN+3"):
        assert (
            f"{name} was ignored. Send SIGHUP to reload the options, SIGTERM to stop the relay"
            in log
        )


def test_process_1_of_a_container_that_begins_hears_sigterm() -> None:
    """The kernel drops it for a process 1 without a handler."""
    inside = ("unshare", "--pid", "--fork", "--kill-child")
    if shutil.which("unshare") is None or subprocess.call([*inside, "true"]):
        pytest.skip("needs unshare, and a user who may make a PID namespace")
    outer = subprocess.Popen(
        [*inside, BIN / "vault-relay", "--port", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        while not (child := children.read_text()):
            time.sleep(0.001)
        # It ignores SIGUSR1 from the first moment on, long before it listens.
        until(lambda: minds(int(child), signal.SIGUSR1))
        os.kill(int(child), signal.SIGTERM)
        out, log = outer.communicate(timeout=WAIT_SECONDS)
    finally:
        outer.kill()
        outer.communicate()
    assert (outer.returncode, out, log) == (0, "", "")


def test_who_waits_at_the_front_door_does_not_hold_up_an_empty_relay() -> None:
    with running_relay("--drain-seconds", "3600") as relay, dial(relay.port) as silent:
        assert ask(relay.port)
        status, _ = relay.stop()
        assert silent.recv(1) == b""
    assert status == 0


def test_a_terminal_that_is_closed_ends_its_relay() -> None:
    """SIGHUP is a reload everywhere else."""
    terminal, inside = pty.openpty()
    relay = subprocess.Popen(
        [BIN / "vault-relay", "--port", "0", "--bind", "127.0.0.1", *DRAIN],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  as processes.py
    )
    os.close(inside)
    said = b""
    while b"listens on" not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    assert relay.wait(WAIT_SECONDS) == 0
