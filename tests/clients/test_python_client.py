"""The Python client passes the kit: the command, with the adapter as a process."""

import subprocess
import sys
from pathlib import Path

from vaultrelay.conformance.case import Level
from vaultrelay.conformance.catalogue import catalogue

ROOT = Path(__file__).parents[2]
ADAPTER = [sys.executable, "-m", "examples.python_adapter"]
OTHER_LEVELS = {Level.BROWSER, Level.PHONE}
LEFT_TO_THE_APPLICATION = "resend"
MAX_SECONDS = 120


def test_it_passes_all_cases_that_apply() -> None:
    command = [sys.executable, "-m", "vaultrelay", "conformance", "--strict", "--"]
    found = subprocess.run(
        [*command, *ADAPTER],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=MAX_SECONDS,
        check=False,
    )
    *lines, last = found.stdout.splitlines()
    assert found.returncode == 0, found.stdout
    others = [line.split()[1] for line in lines if not line.startswith("  ok ")]
    assert others == [
        case.name
        for case in catalogue()
        if case.level in OTHER_LEVELS or LEFT_TO_THE_APPLICATION in case.needs
    ]
    assert last.startswith("vaultrelay.client/1: ")
