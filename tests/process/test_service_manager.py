"""A real relay under a service manager that this test plays: notices, and a socket handed down."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.process.devices import joined
from tests.process.processes import BIN, WAIT_SECONDS, environment

# LISTEN_PID must be the relay's own, which only the process itself knows before it runs.
ACTIVATED = ("sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh")


class Manager:
    """A socket for notices, and a way to start a relay that knows of it."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(WAIT_SECONDS)
        self.socket.bind(self.path)

    def hear(self, words: str) -> str:
        """The next notice that has these words."""
        while words not in (said := self.socket.recv(4096).decode()):
            pass
        return said

    @contextmanager
    def relay(
        self, *command: str | Path, listening: socket.socket | None = None, **variables: str
    ) -> Iterator["subprocess.Popen[str]"]:
        """A relay that is ready; killed at the end if it still runs."""
        inherit = listening is not None
        process = subprocess.Popen(
            [*(ACTIVATED if inherit else ()), *command],
            # As descriptor 3, where systemd would leave it. Nothing else is passed on.
            preexec_fn=(lambda: _as_third(listening)) if listening else None,  # noqa: PLW1509
            close_fds=not inherit,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(NOTIFY_SOCKET=self.path, **({"LISTEN_FDNAMES": "relay"} | variables)),
        )
        try:
            self.hear("READY=1")
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=WAIT_SECONDS)


def _as_third(listening: socket.socket) -> None:
    os.dup2(listening.fileno(), 3, inheritable=True)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.socket.close()


PLAIN = (BIN / "vault-relay", "--port", "0", "--bind", "127.0.0.1")
TWISTD = (BIN / "twistd", "--nodaemon", "--pidfile=", "vault-relay", *PLAIN[1:])


@pytest.mark.parametrize("command", [PLAIN, TWISTD], ids=["vault-relay", "twistd"])
def test_the_manager_hears_of_start_reload_and_end(
    manager: Manager, command: tuple[str | Path, ...]
) -> None:
    with manager.relay(*command, WATCHDOG_USEC="200000") as relay:
        assert manager.hear("STATUS=") == "WATCHDOG=1\nSTATUS=0 devices joined"
        assert manager.hear("WATCHDOG=1") == "WATCHDOG=1\nSTATUS=0 devices joined"
        relay.send_signal(signal.SIGHUP)
        manager.hear("RELOADING=1\nMONOTONIC_USEC=")
        assert manager.hear("=1").startswith(("READY=1", "WATCHDOG=1"))
        relay.terminate()
        manager.hear("STOPPING=1")
        relay.communicate(timeout=WAIT_SECONDS)


def test_the_status_counts_devices_and_a_drain_stays_alive(manager: Manager) -> None:
    with manager.relay(*PLAIN, "--drain-seconds", "2", WATCHDOG_USEC="200000") as relay:
        assert relay.stdout is not None
        port = relay.stdout.readline().split()[-1]
        with joined(f"ws://localhost:{port}"):
            manager.hear("STATUS=1 device joined")
            relay.terminate()
            manager.hear("STOPPING=1")
            assert manager.hear("WATCHDOG=1").startswith("WATCHDOG=1\n")
            relay.communicate(timeout=WAIT_SECONDS)
    assert relay.returncode == 0


class Load:
    """Four clients that ask for /health one time after the other, whatever happens."""

    def __init__(self, port: int) -> None:
        self.url = f"http://[::1]:{port}/health"
        self.answers: Counter[str] = Counter()
        self._is_over = threading.Event()
        self._askers = [threading.Thread(target=self._ask) for _ in range(4)]
        for asker in self._askers:
            asker.start()

    def wait_for(self, more: int) -> None:
        """Until so many more answers have come."""
        wanted = self.answers.total() + more
        while self.answers.total() < wanted:
            time.sleep(0.001)

    def stop(self) -> None:
        self._is_over.set()
        for asker in self._askers:
            asker.join(WAIT_SECONDS)

    def _ask(self) -> None:
        while not self._is_over.is_set():
            try:
                with urlopen(self.url, timeout=WAIT_SECONDS) as answer:  # noqa: S310  http: alone
                    self.answers[str(answer.status)] += 1
            except OSError as error:
                self.answers[repr(error)] += 1


ADOPTED = (BIN / "vault-relay", "--listen", "systemd:domain=INET6:index=0", "--drain-seconds", "2")
REQUEST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=1024) as made:
        yield made


def test_restarts_under_load_fail_no_request_where_the_socket_is_handed_down(
    manager: Manager, listening: socket.socket
) -> None:
    load = Load(listening.getsockname()[1])
    try:
        for restarts_left in (3, 2, 1, 0):
            with manager.relay(*ADOPTED, listening=listening) as relay:
                load.wait_for(50)
                if not restarts_left:
                    load.stop()
                relay.terminate()
                _, log = relay.communicate(timeout=WAIT_SECONDS)
                assert relay.returncode == 0, log
    finally:
        load.stop()
    assert set(load.answers) == {"200"}, load.answers


def test_who_comes_during_a_drain_is_left_to_the_next_relay(
    manager: Manager, listening: socket.socket
) -> None:
    url = f"ws://[::1]:{listening.getsockname()[1]}"
    with manager.relay(*ADOPTED, listening=listening) as relay, joined(url):
        relay.terminate()
        manager.hear("STOPPING=1")
        newcomer = socket.create_connection(listening.getsockname()[:2], WAIT_SECONDS)
        newcomer.sendall(REQUEST)
        relay.communicate(timeout=WAIT_SECONDS)
    newcomer.setblocking(False)
    with pytest.raises(BlockingIOError):
        newcomer.recv(1)
    newcomer.settimeout(WAIT_SECONDS)
    with manager.relay(*ADOPTED, listening=listening), newcomer:
        assert newcomer.recv(15) == b"HTTP/1.1 200 OK"


ELSEWHERE = ("--allow-from", "127.0.0.1", "--deny-from", "::/0", "--deny-from", "unix")


@pytest.mark.parametrize(
    "command", [(BIN / "vault-relay",), TWISTD[:4]], ids=["vault-relay", "twistd"]
)
def test_a_socket_of_another_family_without_a_name_has_its_clients_true_addresses(
    manager: Manager, command: tuple[str | Path, ...]
) -> None:
    """As systemd-socket-activate hands it down; by every rule but its own, nobody may come."""
    options = ("--listen", "systemd:domain=INET6:index=0", *ELSEWHERE, "--drain-seconds", "0")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}"
        with (
            manager.relay(*command, *options, listening=listening, LISTEN_FDNAMES="") as relay,
            joined(url),
        ):
            relay.terminate()
            _, log = relay.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in log
