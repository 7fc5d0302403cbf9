"""Lean imports: keeps modules out of memory that libraries import and the relay never uses.

For the process of a relay, and all commands of its package, before Twisted and Autobahn are
imported. Modules outside of these tables are imported as usual; so are all modules once Twisted
looks for plugins. docs/decisions/0008-lean-imports.rst has the savings of each line.
"""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

_ABSENT = (
    "OpenSSL",  # Twisted's TLS; the relay uses the standard library's
    "click",  # colours for Autobahn's log lines
    "ctypes",  # Twisted's texts for errors of Windows; Python's socket has them, too
)
"""Optional modules: their importers handle an ImportError."""

_LAZY = (
    "http.cookiejar",  # a name in twisted.python.compat
    "twisted.internet.endpoints",  # Autobahn's client agent
    "urllib.request",  # opens URLs for xml.sax
)
"""Seldom used modules: each is executed at the first access to one of its names."""

_BARE = ("autobahn.wamp", "autobahn.twisted")
"""Packages of which only modules are needed: the package itself stays empty."""

_PLUGINS = "twisted.plugins"
"""The package that Twisted imports to look for plugins, such as a third party's endpoints. Plugins
must get the real modules."""


class _StandIn(ModuleType):
    """A module with a few names of the real one."""


def _no_class() -> type:
    return type("Unused", (), {})


_STAND_INS: dict[str, dict[str, Callable[..., object]]] = {
    # Twisted and txaio check for coroutines, and refer to the other two names.
    "asyncio": {
        "AbstractEventLoop": _no_class(),
        "Future": _no_class(),
        "iscoroutine": inspect.iscoroutine,
        "iscoroutinefunction": inspect.iscoroutinefunction,
    },
    # twisted.web derives its requests from these, for Perspective Broker, which is not used.
    "twisted.spread.pb": {"Copyable": _no_class(), "ViewPoint": _no_class()},
    # autobahn.twisted.websocket derives its classes for WAMP from these.
    "autobahn.wamp.websocket": {
        "WampWebSocketClientFactory": _no_class(),
        "WampWebSocketClientProtocol": _no_class(),
        "WampWebSocketServerFactory": _no_class(),
        "WampWebSocketServerProtocol": _no_class(),
    },
}
"""Modules of which only these names are needed."""

_DERIVED = {"autobahn.twisted.websocket": "autobahn.wamp.websocket"}
"""Modules with subclasses of a stand-in's classes: plugins get another copy of the module."""


class _Finder(MetaPathFinder):
    """Finds bare packages and lazy modules before Python's finders, until Twisted seeks plugins."""

    _is_over = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # Of twistd, the package is imported already.
        if f"{name}.".startswith(f"{_PLUGINS}.") and not self._is_over:
            self._is_over = True
            _restore()
        if self._is_over or name not in (*_BARE, *_LAZY):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is None:
            return None
        if name in _LAZY:
            if found.loader is not None:
                found.loader = LazyLoader(found.loader)
            return found
        # Without a loader it is a namespace package: Python finds its modules.
        bare = ModuleSpec(name, None, is_package=True)
        bare.submodule_search_locations = found.submodule_search_locations
        return bare


def install() -> None:
    """Keep out the modules of the tables that are not imported yet."""
    # Autobahn's compiled part costs more than it gives: websockets unmasks instead.
    os.environ.setdefault("AUTOBAHN_USE_NVX", "0")
    for name in _ABSENT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as Python documents
    for name, names in _STAND_INS.items():
        if name not in sys.modules:
            sys.modules[name] = stand_in = _StandIn(name)
            vars(stand_in).update(names)
    sys.meta_path.insert(0, _Finder())


def _restore() -> None:
    """Remove the stand-ins: later imports get the real modules."""
    for name, base in _DERIVED.items():
        if isinstance(sys.modules.get(base), _StandIn):
            sys.modules.pop(name, None)
    for name in (*_ABSENT, *_STAND_INS, *_BARE):
        module = sys.modules.get(name)
        is_bare = name in _BARE and getattr(module, "__file__", None) is None
        if module is None or is_bare or isinstance(module, _StandIn):
            sys.modules.pop(name, None)
