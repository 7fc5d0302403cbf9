"""The unit of systemd: it has no mistake, and what it keeps from the relay stays kept."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.processes import BIN, WAIT_SECONDS

SYSTEMD = Path(__file__).parents[2] / "systemd"


def analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """systemd-analyze, run to its end."""
    return subprocess.run(
        ["systemd-analyze", *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with the command of this environment: it must exist."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, which comes with systemd")
    if os.geteuid() and not Path("/run/systemd").is_dir():
        pytest.skip("needs root, or the folder /run/systemd, which systemd-analyze would make")
    for name in ("vault-relay.service", "vault-relay@.service"):
        text = (SYSTEMD / name).read_text()
        assert "/usr/local/bin/vault-relay" in text
        ours = text.replace("/usr/local/bin/vault-relay", str(BIN / "vault-relay"))
        (tmp_path / name).write_text(ours)
    return tmp_path / "vault-relay.service"


def add(unit: Path, *drop_ins: str) -> None:
    """The files beside it, as an operator would install them."""
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    for name in drop_ins:
        shutil.copy(SYSTEMD / f"{name}.conf", folder)
    shutil.copy(SYSTEMD / "vault-relay.socket", unit.parent)


WAYS = {"plain": (), "port-443": ("port-443", "credentials"), "socket": ("socket",)}


@pytest.mark.parametrize("drop_ins", WAYS.values(), ids=WAYS)
def test_the_unit_has_no_mistake(unit: Path, drop_ins: tuple[str, ...]) -> None:
    add(unit, *drop_ins)
    verified = analyze("verify", unit)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_the_unit_of_a_worker_has_no_mistake(unit: Path) -> None:
    verified = analyze("verify", unit.with_name("vault-relay@.service"))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("way", "tenths"), [("plain", 11), ("port-443", 14), ("socket", 11)], ids=WAYS
)
def test_the_unit_is_exposed_no_more_than_it_was(unit: Path, way: str, tenths: int) -> None:
    if "--offline" not in analyze("--help").stdout:
        pytest.skip("needs systemd 250, whose systemd-analyze judges a file")
    add(unit, *WAYS[way])
    judged = analyze("security", "--offline=true", f"--threshold={tenths}", "--no-pager", unit)
    assert judged.returncode == 0, judged.stdout
