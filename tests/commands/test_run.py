"""Running in the foreground and under twistd, on a reactor in memory."""

import resource
import signal
from collections.abc import Callable, Iterator
from importlib import import_module
from runpy import run_module
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent

from tests.recorded_log import RecordedLog
from vaultrelay import commands
from vaultrelay.app import process_options, twistd_plugin
from vaultrelay.app.service import RelayService
from vaultrelay.commands import run
from vaultrelay.logs.stderr import StderrOutput
from vaultrelay.native import code
from vaultrelay.policy.descriptors import files_needed
from vaultrelay.transport.listening_socket import TcpAddress

pytestmark = pytest.mark.usefixtures("bound")


class Reactor(MemoryReactorClock):
    """Runs until the test says so; remembers what was called from signal handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.from_thread: list[Any] = []
        self.at_run: list[Any] = []
        self.called: list[str] = []

    def run(self) -> None:
        for call, args in self.at_run:
            call(*args)

    def callWhenRunning(self, callable: Any, *args: Any, **kw: Any) -> None:
        self.at_run.append((callable, args))

    def callFromThread(self, call: Any, *args: Any, **kwargs: Any) -> None:
        self.from_thread.append(call)


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Reactor:
    reactor = Reactor()
    for module in (run, process_options, twistd_plugin):
        monkeypatch.setattr(module, "real_reactor", lambda: reactor)
    monkeypatch.setattr(run, "log_to_stderr", lambda settings: RecordedLog())
    # These relays are in memory, and leave nothing in a folder.
    monkeypatch.setattr("vaultrelay.config.settings_reader.runtime_folder", lambda *given: "")
    monkeypatch.setattr(twistd_plugin.Options, "environment", {})
    return reactor


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The handlers as they were."""
    numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.mark.usefixtures("reactor")
def test_it_listens_runs_and_ends_with_0(bound: list[TcpAddress]) -> None:
    assert run.main(["--port", "8081"]) == 0
    assert [address.port for address in bound] == [8081]


def test_the_picked_port_is_told_once_the_reactor_runs(
    reactor: Reactor, capsys: pytest.CaptureFixture[str]
) -> None:
    run.main(["--port=0"])
    assert capsys.readouterr().out == "listening on port 0\n"


def test_a_signal_during_the_start_stops_and_the_next_one_ends_the_drain(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def abort_drain(relay: RelayService) -> None:
        reactor.called.append("abort_drain")

    def run_at_last() -> None:
        signal.raise_signal(signal.SIGTERM)
        for call in reactor.from_thread:
            call()

    monkeypatch.setattr(RelayService, "abort_drain", abort_drain)
    monkeypatch.setattr(reactor, "stop", lambda: reactor.called.append("stop"))
    monkeypatch.setattr(
        RelayService, "startService", lambda relay: signal.raise_signal(signal.SIGTERM)
    )
    monkeypatch.setattr(reactor, "run", run_at_last)
    run.main([])
    assert reactor.called == ["stop", "abort_drain"]


@pytest.mark.usefixtures("reactor")
def test_a_start_without_a_descriptor_to_be_had_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(relay: RelayService) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(RelayService, "startService", fail)
    with pytest.raises(SystemExit) as stopped:
        run.main([])
    assert stopped.value.code == 2
    assert capfd.readouterr().err == "vault-relay: cannot start: too many open files\n"


def start_under_twistd() -> None:
    options = twistd_plugin.Options()
    options.parseOptions([])
    twistd_plugin.makeService(options).privilegedStartService()


@pytest.mark.parametrize("start", [lambda: run.main([]), start_under_twistd])
def test_a_taken_port_is_told_in_one_line(
    reactor: Reactor,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[[], object],
    capfd: pytest.CaptureFixture[str],
    logged_errors: list[LogEvent],
) -> None:
    def fail(address: TcpAddress) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(TcpAddress, "bind", fail)
    with pytest.raises(SystemExit) as stopped:
        start()
    assert stopped.value.code == 2
    assert capfd.readouterr().err == (
        "vault-relay: cannot listen on port 8080 of 0.0.0.0 (--port, --bind): address already in "
        "use; stop the program that listens there, which may be another relay\n"
    )
    assert len(logged_errors) == (start is start_under_twistd), "twistd has a log of its own"
    logged_errors.clear()


@pytest.mark.usefixtures("reactor")
def test_twistd_gets_a_service_that_starts(bound: list[TcpAddress]) -> None:
    options = twistd_plugin.Options()
    options.parseOptions(["--listen", "tcp:8082"])
    service = twistd_plugin.makeService(options)
    service.privilegedStartService()
    assert [address.port for address in bound] == [8082]


@pytest.mark.parametrize(
    ("format", "is_ours", "told"), [("json", False, 1), ("json", True, 0), ("text", False, 0)]
)
def test_twistd_is_told_how_to_write_our_format(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch, format: str, is_ours: bool, told: int
) -> None:
    output = StderrOutput()
    output.is_in_use = is_ours
    log = RecordedLog(output)
    monkeypatch.setattr(twistd_plugin, "log_under_twistd", lambda: log)
    options = twistd_plugin.Options()
    options.parseOptions(["--log-format", format])
    relay = twistd_plugin.makeService(options)
    try:
        relay.privilegedStartService()
        relay.startService()
    finally:
        relay.stopService()
    assert len([line for line in log.lines if "--logger" in line]) == told


def test_a_mistake_is_told_in_one_line(reactor: Reactor, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main(["--bind", "x"])
    assert stopped.value.code == 2
    assert capfd.readouterr().err.startswith("vault-relay: --bind: 'x' must be an IP address")


@pytest.mark.parametrize(
    ("arguments", "module"),
    [([], "run"), (["--port", "1"], "run"), (["check", "ws://a"], "check")],
)
def test_a_command_is_its_module(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], module: str
) -> None:
    called: list[list[str]] = []

    def main(given: list[str]) -> int:
        called.append(given)
        return 7

    monkeypatch.setattr(f"vaultrelay.commands.{module}.main", main)
    monkeypatch.setattr("sys.argv", ["vault-relay", *arguments])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 7
    assert called == [[argument for argument in arguments if argument != "check"]]


@pytest.mark.parametrize(
    "start", [commands.main, lambda: run_module("vaultrelay", run_name="__main__")]
)
def test_the_version_is_told(
    start: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["vault-relay", "--version"])
    with pytest.raises(SystemExit) as stopped:
        start()
    assert (stopped.value.code, capsys.readouterr().out) == (0, f"vault-relay 1.0.0 ({code()})\n")


def test_help_lists_the_commands_with_a_line_each(
    reactor: Reactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main(["--help"])
    assert stopped.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for name, text in commands.COMMANDS.items():
        assert f"  {name}".ljust(28) + text in lines


@pytest.mark.parametrize("name", sorted(commands.COMMANDS))
def test_every_command_has_help_for_people(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        import_module(f"vaultrelay.commands.{name}").main(["--help"])
    assert stopped.value.code == 0
    usage, summary, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: vault-relay {name} [-h] [-V]")
    assert summary == commands.COMMANDS[name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chekc", "there is no command 'chekc'; did you mean check?"),
        ("health", "there is no command 'health'; did you mean healthcheck?"),
        (
            "\x1b[2J",
            f"there is no command '\\x1b[2J'; there are {', '.join(commands.COMMANDS)}.",
        ),
    ],
)
def test_an_unknown_command_is_told_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    monkeypatch.setattr("sys.argv", ["vault-relay", name])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 2
    assert capfd.readouterr().err == f"vault-relay: {said} See vault-relay --help\n"


@pytest.mark.parametrize(
    ("allowed", "given"),
    [(None, 1000), (files_needed(1000), 1000), (1400, 950), (900, 575), (256, 128), (1, 1)],
)
def test_a_relay_without_descriptors_for_all_devices_says_so_and_admits_fewer(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch, allowed: int | None, given: int
) -> None:
    limit = resource.RLIM_INFINITY if allowed is None else allowed
    wanted: list[int] = []
    relays: list[RelayService] = []

    def start(relay: RelayService) -> None:
        relays.append(relay)

    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: wanted.append(limits[0]))
    monkeypatch.setattr(RelayService, "startService", start)
    run.main([])
    assert wanted == [limit]
    assert [relay.broker.admission.max_connections for relay in relays] == [given]
    said = [each.text for each in relays[0].warnings() if each.slug == "few_descriptors"]
    assert len(said) == (given < 1000)
    for text in said:
        assert f"the relay admits {given} devices" in text
        assert "for --max-connections 1000:" in text
        assert "LimitNOFILE=" in text
