"""What every test is held to: no logged error, no timer left behind, the same on every run."""

import gc
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from tests.authority import issue
from tests.memory import MemorySocket
from vaultrelay import native
from vaultrelay.transport.listening_socket import Bound, TcpAddress

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As a shell starts what it puts into the background. The relays of tests would inherit it, and
    # one that ignores SIGINT is not stopped by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Whoever changes something else must not be stopped by a case that nobody had found before.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

GC_THRESHOLD = 50_000
"""Objects between two collections: as many as a few dozen tests leave behind."""
gc.set_threshold(GC_THRESHOLD)


def pytest_collection_finish() -> None:
    """Exclude 11,000 tests and all modules from garbage collection, which would traverse them each
    time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Undoes what pytest-twisted does to a test with @given: the next parameters would get the
    fixtures of the first ones."""
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    original = given and given.inner_test
    result = yield
    if given:
        given.inner_test = original
    return result


@pytest.fixture(scope="session", autouse=True)
def _one_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Replace the system's trust store by a single root: OpenSSL takes 20 ms to read the usual 150,
    for each certificate that a test or its relay loads."""
    store = tmp_path_factory.mktemp("trust") / "root.pem"
    store.write_bytes(issue((), subject="a root of nobody", authority=True).pem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(store))
        yield


@pytest.fixture(autouse=True)
def logged_errors() -> Iterator[list[LogEvent]]:
    """Fails a test that logs an error; a test that expects some empties the list."""
    found: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            found.append(event)

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)
    assert not found, f"logged: {[event.get('log_format') for event in found]}"


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> list[TcpAddress]:
    """The addresses that a relay of the test listens on, in memory alone."""
    found: list[TcpAddress] = []

    def bind(address: TcpAddress) -> Bound:
        found.append(address)
        listening: Any = MemorySocket(address.host, address.port)
        return Bound(listening)

    monkeypatch.setattr(TcpAddress, "bind", bind)
    return found


@pytest.fixture(autouse=True)
def no_timers_left() -> Iterator[None]:
    """Fails a test that leaves a timer in the real reactor."""
    from twisted.internet import reactor

    clock: Any = reactor
    before = set(clock.getDelayedCalls())
    yield
    left = [call for call in clock.getDelayedCalls() if call not in before]
    for call in left:
        call.cancel()
    assert not left, f"timers left: {left}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs compiled twins where they are not used."""
    if item.get_closest_marker("compiled") and native.code() != "native":
        why = native.faults() or ["not built, or not chosen by RELAY_NATIVE"]
        pytest.skip(f"no compiled twins: {why[0]}")
