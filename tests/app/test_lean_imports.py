"""Lean imports: what stays out, and that nothing misses it."""

import http
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tests.app.lean import LEAN, LOADED, RELAY, run
from vaultrelay.app import lean_imports


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a lean relay."""
    return set(json.loads(run(LEAN + RELAY + LOADED)))


@pytest.mark.parametrize(
    "name",
    [
        "OpenSSL",
        "cryptography",
        "service_identity",
        "vaultrelay.client.tls",
        "click",
        "cbor2",
        "cffi",
        "asyncio.events",
        "autobahn.wamp.message",
        "autobahn.nvx",
        "_sqlite3",
        "ctypes",
        "http.client",
        "http.cookiejar",
        "twisted.internet.endpoints",
        "twisted.spread.jelly",
        "urllib.request",
        "vaultrelay.app.admin_service",
        "vaultrelay.cluster.http_get",
        "vaultrelay.conformance",
        "vaultrelay.app.systemd_notifier",
        "sqlite3",
        "vaultrelay.app.mailbox_service",
        "vaultrelay.mailbox",
        "vaultrelay.store",
        "vaultrelay.wire.control.mailbox",
        "vaultrelay.wire.mailbox",
    ],
)
def test_a_lean_relay_does_not_load(loaded: set[str], name: str) -> None:
    assert name not in loaded


@pytest.mark.parametrize(
    "name", ["autobahn.twisted.websocket", "http", "twisted.web.server", "ssl", "urllib.parse"]
)
def test_a_lean_relay_still_loads(loaded: set[str], name: str) -> None:
    assert name in loaded


def test_without_it_they_are_loaded() -> None:
    """Or else the test above could not fail."""
    found = set(json.loads(run(RELAY + LOADED)))
    assert {"asyncio.events", "autobahn.wamp.message", "twisted.spread.jelly"} <= found
    assert {"ctypes", "http.client", "twisted.internet.endpoints", "urllib.request"} <= found


def test_the_other_commands_of_the_package_need_nothing_that_is_kept_out() -> None:
    """Nor what only the skipped packages import: the package has neither."""
    code = (
        "from vaultrelay.commands import check, conformance, healthcheck, invite, status, token\n"
    )
    found = set(json.loads(run(LEAN + code + LOADED)))
    assert "autobahn.twisted.websocket" in found
    left_out = {"autobahn.twisted.wamp", "autobahn.wamp.message", "cbor2", "cryptography", "cffi"}
    client_tls = {"OpenSSL", "service_identity", "vaultrelay.client.tls"}
    assert not {"asyncio.events", "ctypes", "sqlite3", *left_out, *client_tls} & found


def test_coroutines_are_still_told_from_other_things() -> None:
    code = """
from twisted.internet.defer import Deferred, ensureDeferred
async def answer():
    return 42
ensureDeferred(answer()).addCallback(print)
try:
    ensureDeferred(42)
except Exception as error:
    print(type(error).__name__)
"""
    assert run(LEAN + code).split() == ["42", "NotACoroutineError"]


def test_a_lazy_module_runs_as_soon_as_a_name_of_it_is_used() -> None:
    code = """
from http.cookiejar import CookieJar
from twisted.internet import endpoints
from twisted.internet.testing import MemoryReactorClock
print(len(CookieJar()))
print(type(endpoints.TCP4ServerEndpoint(MemoryReactorClock(), 0)).__module__)
"""
    assert run(LEAN + RELAY + code) == "0\ntwisted.internet.endpoints\n"


def test_the_admin_pages_are_in_memory_where_they_are_asked_for_alone() -> None:
    code = """
import sys
from twisted.internet.testing import MemoryReactorClock
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings import Settings
from vaultrelay.logs import log_under_twistd
for admin in ("", "tcp:9090"):
    settings = Settings(admin=admin)
    RelayService(settings, MemoryReactorClock(), log=log_under_twistd())
    modules = ("vaultrelay.app.admin_service", "vaultrelay.web.status_page")
    print([name in sys.modules for name in modules])
"""
    assert run(LEAN + code) == "[False, False]\n[True, False]\n"


def test_the_mailbox_is_in_memory_and_on_disk_where_it_is_asked_for_alone(tmp_path: Path) -> None:
    code = f"""
import os, sys
from twisted.internet.testing import MemoryReactorClock
from vaultrelay.app.service import RelayService
from vaultrelay.config.settings import Settings
from vaultrelay.logs import log_under_twistd
os.chdir({str(tmp_path)!r})
MemoryReactorClock.callFromThread = lambda *_: None
names = ("sqlite3", "vaultrelay.mailbox", "vaultrelay.store", "vaultrelay.app.mailbox_service")
for folder in ("", "mailbox"):
    settings = Settings(mailbox=folder, mailbox_open=True, runtime_folder="run")
    relay = RelayService(settings, MemoryReactorClock(), log=log_under_twistd())
    if relay.mailbox is not None:
        relay.mailbox.startService()
        relay.mailbox.stopService()
    print([name in sys.modules for name in names], sorted(os.listdir()))
"""
    found = run(LEAN + code).splitlines()
    assert found == ["[False, False, False, False] []", "[True, True, True, True] ['mailbox']"]


def test_the_pages_for_people_are_in_memory_once_they_are_asked_for_alone() -> None:
    code = """
import sys
from twisted.web.test.requesthelper import DummyRequest
from vaultrelay.web.pages import Pages
class Status: draining = False
pages = Pages(Status(), version="1.0.0")
pages.configure(public_urls=("wss://relay.example.org",))
modules = ("segno", "vaultrelay.web.front_page", "vaultrelay.web.privacy_page")
print([name in sys.modules for name in modules])
pages._front_page(DummyRequest([b""]))
print([name in sys.modules for name in modules])
"""
    assert run(LEAN + RELAY + code) == "[False, False, False]\n[True, True, False]\n"


def test_what_is_loaded_already_stays_as_it_is() -> None:
    code = "import asyncio, asyncio as before\n" + LEAN
    assert run(code + "import asyncio; print(asyncio is before, hasattr(asyncio, 'run'))") == (
        "True True\n"
    )


@pytest.mark.parametrize(
    "text", ["tcp:0", "tcp6:0", "unix:/tmp/x", "haproxy:tcp:0", "systemd:domain=INET:index=0"]
)
def test_every_kind_of_endpoint_is_known(text: str) -> None:
    code = f"""
from twisted.internet.testing import MemoryReactorClock
from vaultrelay.transport.endpoint_string import BadEndpoint, read_endpoint
try:
    print(type(read_endpoint(MemoryReactorClock(), {text!r}).where).__name__)
except BadEndpoint as error:
    print(error)
"""
    said = run(LEAN + code)
    assert said.strip() in ("TcpAddress", "UnixPath") or "systemd did not pass" in said


def test_the_tables_are_put_into_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where it leaves no trace."""
    monkeypatch.setattr(sys, "modules", modules := dict(sys.modules))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(os, "environ", environment := dict[str, str]())
    for name in ("click", "asyncio", "autobahn.wamp", "autobahn.wamp.websocket"):
        modules.pop(name, None)
    lean_imports.install()
    assert environment == {"AUTOBAHN_USE_NVX": "0"}
    assert modules["click"] is None
    assert modules["asyncio"].iscoroutine(42) is False
    finder = sys.meta_path[0]
    assert finder.find_spec("json", None) is None
    path = importlib.util.find_spec("autobahn")
    assert path is not None
    bare = finder.find_spec("autobahn.wamp", path.submodule_search_locations)
    assert bare is not None
    assert bare.loader is None
    assert finder.find_spec("autobahn.wamp", []) is None
    lazy = finder.find_spec("http.cookiejar", list(http.__path__))
    assert lazy is not None
    assert isinstance(lazy.loader, importlib.util.LazyLoader)
    assert modules["autobahn.wamp.websocket"].WampWebSocketServerProtocol
