"""Fresh Pythons with lean imports, and without."""

import os
import subprocess
import sys
from pathlib import Path

LEAN = "from vaultrelay.app import lean_imports; lean_imports.install()\n"
RELAY = "import vaultrelay.commands.run, autobahn.twisted.websocket\n"
LOADED = """
import json, sys
from importlib.util import _LazyModule  # until it is asked for a name
print(json.dumps([n for n, m in sys.modules.items() if m and type(m) is not _LazyModule]))
"""


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
