"""Lean imports: what stays out, and that nothing misses it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaultrelay.app import lean_imports

LEAN = "from vaultrelay.app import lean_imports; lean_imports.install()\n"
LOADED = "import json, sys; print(json.dumps([n for n, m in sys.modules.items() if m]))"


def run(code: str) -> str:
    """What a fresh Python prints."""
    environment = {name: value for name, value in os.environ.items() if name != "AUTOBAHN_USE_NVX"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a lean relay."""
    return set(json.loads(run(LEAN + "import vaultrelay.commands.run\n" + LOADED)))


@pytest.mark.parametrize(
    "name",
    [
        "OpenSSL",
        "cryptography",
        "click",
        "cbor2",
        "cffi",
        "asyncio.events",
        "autobahn.wamp.message",
        "autobahn.nvx",
        "twisted.spread.jelly",
        "vaultrelay.app.admin_service",
        "vaultrelay.cluster.ask",
        "vaultrelay.app.systemd_notify",
    ],
)
def test_a_lean_relay_does_not_load(loaded: set[str], name: str) -> None:
    assert name not in loaded


@pytest.mark.parametrize("name", ["autobahn.websocket.protocol", "twisted.web.server", "ssl"])
def test_a_lean_relay_still_loads(loaded: set[str], name: str) -> None:
    assert name in loaded


def test_without_it_they_are_loaded() -> None:
    """Or else the test above could not fail."""
    found = json.loads(run("import vaultrelay.commands.run\n" + LOADED))
    assert {"asyncio.events", "autobahn.wamp.message", "twisted.spread.jelly"} <= set(found)


def test_the_other_commands_of_the_package_need_nothing_that_is_kept_out() -> None:
    """Nor what only the skipped packages import: the package has neither."""
    code = "from vaultrelay.commands import check, healthcheck, invite, status, token\n"
    found = set(json.loads(run(LEAN + code + LOADED)))
    assert "autobahn.twisted.websocket" in found
    assert not {"asyncio.events", "autobahn.twisted.wamp", "cryptography", "cffi"} & found


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
    assert run(LEAN + code) == "[False, False]\n[True, True]\n"


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


def test_a_plugin_of_a_third_party_meets_real_modules_only(tmp_path: Path) -> None:
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "third_party.py").write_text(
        """
import asyncio
import click
import OpenSSL.SSL
from autobahn.wamp import types
from autobahn.twisted.wamp import Session
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from twisted.spread import pb
from zope.interface import implementer

assert asyncio.get_event_loop_policy and pb.Root and click.Command and types.CallOptions and Session


@implementer(IStreamServerEndpointStringParser, IPlugin)
class Parser:
    prefix = "third"

    def parseStreamServer(self, reactor, port):
        return TCP4ServerEndpoint(reactor, int(port))


parser = Parser()
"""
    )
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import vaultrelay.commands.run
from twisted.internet.testing import MemoryReactorClock
from vaultrelay.transport.endpoint_string import read_endpoint
print(type(sys.modules["asyncio"]).__name__)
print(type(read_endpoint(MemoryReactorClock(), "third:0").where).__name__)
print(type(sys.modules["asyncio"]).__name__)
"""
    assert run(LEAN + code).split() == ["_StandIn", "TCP4ServerEndpoint", "module"]


def test_the_tables_are_put_into_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, where it leaves no trace."""
    monkeypatch.setattr(sys, "modules", modules := dict(sys.modules))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(os, "environ", environment := dict[str, str]())
    for name in ("click", "asyncio", "autobahn.wamp"):
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
