"""The launcher of the archives finds the program; a copy of it reports what is missing."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS

LAUNCHER = Path(__file__).parents[2] / "packaging/launcher.sh"


def run(*command: Path | str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )


def package(folder: Path, place: str) -> Path:
    """The archive, unpacked, with one program that prints its arguments."""
    (folder / place).mkdir(parents=True)
    program = folder / place / "vault-relay"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"; exit 7\n')
    program.chmod(0o755)
    launcher = folder / "vault-relay"
    launcher.write_text(LAUNCHER.read_text())
    launcher.chmod(0o755)
    return launcher


@pytest.mark.parametrize("place", ["lib", platform.machine()], ids=["Linux", "macOS"])
def test_it_runs_the_program_through_links(tmp_path: Path, place: str) -> None:
    launcher = package(tmp_path / "a folder", place)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (tmp_path / "link").symlink_to(launcher)
    (bin_folder / "vault-relay").symlink_to("../link")
    (tmp_path / "linked folder").symlink_to(launcher.parent)
    for command in (
        [launcher],
        [bin_folder / "vault-relay"],
        [tmp_path / "linked folder" / "vault-relay"],
        ["sh", "vault-relay"],
        ["./vault-relay"],
    ):
        done = run(*command, "--bind", "a b", cwd=launcher.parent)
        assert (done.stdout, done.stderr, done.returncode) == ("--bind|a b|", "", 7)


COPIES: dict[str, Callable[[Path, Path], object]] = {
    "copied": shutil.copy,
    "moved": shutil.move,
    "hard link": lambda launcher, place: os.link(launcher, place / "vault-relay"),
    "other name": lambda launcher, place: shutil.copy(launcher, place / "relay-1.0"),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_alone_reports_what_is_missing(tmp_path: Path, how: str) -> None:
    launcher = package(tmp_path / "vaultmesh-relay", "lib")
    place = tmp_path / "bin"
    # Others have a folder of that name.
    (place / "lib").mkdir(parents=True)
    COPIES[how](launcher, place)
    (copy,) = (path for path in place.iterdir() if path.is_file())
    for command in (copy, link_to(copy)):
        done = run(command, "--version", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        (sentence,) = done.stderr.splitlines()
        assert f"vault-relay: {copy} was copied or moved without the rest of its folder" in sentence
        assert "ln -s" in sentence
        assert "install.sh" in sentence


def link_to(file: Path) -> Path:
    link = file.parent.parent / "link"
    link.symlink_to(file)
    return link


def test_it_reports_that_there_is_no_program_for_this_machine(tmp_path: Path) -> None:
    launcher = package(tmp_path, "arm64" if platform.machine() == "x86_64" else "x86_64")
    done = run(launcher, cwd=tmp_path)
    assert done.returncode == 2
    assert f"has no relay for {platform.machine()}" in done.stderr
