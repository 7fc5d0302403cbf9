"""The man page as the programs render it that people read it with."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "vault-relay.1"


@pytest.mark.parametrize(
    "command",
    [["groff", "-man", "-Tutf8", "-ww"], ["mandoc", "-T", "utf8", "-W", "warning"]],
    ids=lambda command: command[0],
)
def test_it_renders_without_a_warning(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    done = subprocess.run([*command, PAGE], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # Bold letters are struck twice.
    assert "EXIT STATUS" in re.sub(r".\x08", "", done.stdout)
