"""Prometheus takes the alarms of docs/alerts.yml."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS

ALERTS = Path(__file__).parents[2] / "docs/alerts.yml"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")
def test_prometheus_takes_them() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", ALERTS],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout
