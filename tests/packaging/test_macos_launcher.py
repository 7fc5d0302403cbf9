"""The launcher of the archive for macOS, on whatever machine: it finds the slice for this one."""

import platform
import subprocess
from pathlib import Path

from tests.process.processes import WAIT_SECONDS

LAUNCHER = Path(__file__).parents[2] / "packaging/macos/vault-relay"


def run(program: Path, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )


def package(folder: Path, machine: str) -> Path:
    """The archive, unpacked, with one slice that says how it was called."""
    (folder / machine).mkdir(parents=True)
    slice_ = folder / machine / "vault-relay"
    slice_.write_text('#!/bin/sh\nprintf "%s|" "$@"; exit 7\n')
    slice_.chmod(0o755)
    launcher = folder / "vault-relay"
    launcher.write_text(LAUNCHER.read_text())
    launcher.chmod(0o755)
    return launcher


def test_it_runs_the_slice_for_this_machine_through_links(tmp_path: Path) -> None:
    launcher = package(tmp_path / "a folder", platform.machine())
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (tmp_path / "link").symlink_to(launcher)
    (bin_folder / "vault-relay").symlink_to("../link")
    for program in (launcher, bin_folder / "vault-relay"):
        done = run(program, "--bind", "a b", cwd=tmp_path)
        assert (done.stdout, done.stderr, done.returncode) == ("--bind|a b|", "", 7)


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    done = run(package(tmp_path, "pdp11"), cwd=tmp_path)
    assert done.returncode == 2
    assert f"there is no relay for {platform.machine()}" in done.stderr
