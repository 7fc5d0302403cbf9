"""install.sh and uninstall.sh of the archive, below a DESTDIR and a PREFIX of the test's."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.process.processes import WAIT_SECONDS

ROOT = Path(__file__).parents[2]
VERSION = "vault-relay 9.9"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The unpacked archive, with a program that prints its version."""
    folder = tmp_path / "unpacked"
    (folder / "lib").mkdir(parents=True)
    program = folder / "lib/vault-relay"
    program.write_text(f"#!/bin/sh\necho {VERSION}\n")
    program.chmod(0o755)
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(ROOT / "packaging" / name, folder)
    shutil.copy(ROOT / "packaging/launcher.sh", folder / "vault-relay")
    shutil.copy(ROOT / "docs/vault-relay.1", folder)
    shutil.copytree(ROOT / "systemd", folder / "systemd")
    return folder


def run(script: Path, *arguments: str, **variables: object) -> "subprocess.CompletedProcess[str]":
    """Run it; it must print nothing but its own messages."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [script, *arguments],
        env=kept | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    messages = "" if "--help" in arguments else done.stdout + done.stderr
    for line in messages.splitlines():
        assert line.startswith(f"{script.name}: ")
    return done


def tree(folder: Path) -> dict[str, str]:
    """What lies in a folder: modes, and what is in it."""
    return {
        str(path.relative_to(folder)): f"{stat.filemode(path.lstat().st_mode)} "
        + (
            str(path.readlink())
            if path.is_symlink()
            else path.read_text()
            if path.is_file()
            else ""
        )
        for path in sorted(folder.rglob("*"))
    }


def test_it_installs_for_one_user_without_root(package: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "home/.local"
    done = run(package / "install.sh", "--no-systemd", PREFIX=prefix)
    assert done.returncode == 0
    assert f"{VERSION} is in {prefix}/lib/vaultmesh-relay" in done.stdout
    program = subprocess.run([prefix / "bin/vault-relay"], capture_output=True, check=True)
    assert program.stdout.decode().strip() == VERSION
    assert (prefix / "share/man/man1/vault-relay.1").exists()
    run(prefix / "lib/vaultmesh-relay/uninstall.sh")
    assert [path for path in prefix.rglob("*") if not path.is_dir()] == []


def test_a_second_installation_changes_nothing_but_the_program(
    package: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    variables = {"DESTDIR": root, "PREFIX": "/usr"}
    run(package / "install.sh", "--systemd", **variables)
    first = tree(root)
    assert first["usr/bin/vault-relay"].endswith(" ../lib/vaultmesh-relay/vault-relay")
    unit = (root / "etc/systemd/system/vault-relay.service").read_text()
    assert "\nExecStart=/usr/bin/vault-relay\n" in unit
    assert first["etc/vault-relay/environment"].startswith("-rw-r----- ")
    run(package / "install.sh", "--systemd", **variables)
    assert tree(root) == first

    (root / "etc/vault-relay/environment").write_text("RELAY_PORT=443\n")
    (root / "usr/lib/vaultmesh-relay/lib/of-the-old-version").write_text("old")
    (package / "lib/new").write_text("new")
    done = run(package / "install.sh", "--systemd", **variables)
    assert "environment is kept as it is" in done.stdout
    second = tree(root)
    assert second["etc/vault-relay/environment"].endswith("RELAY_PORT=443\n")
    assert set(second) - set(first) == {"usr/lib/vaultmesh-relay/lib/new"}
    assert set(first) - set(second) == set()


@pytest.mark.parametrize("before", ["copy", "dangling link", "link to a folder", "other link"])
def test_it_puts_its_link_in_place_of_what_is_there(
    package: Path, tmp_path: Path, before: str
) -> None:
    prefix = tmp_path / "usr"
    (prefix / "bin").mkdir(parents=True)
    link = prefix / "bin/vault-relay"
    if before == "copy":
        shutil.copy(package / "vault-relay", link)
    else:
        (tmp_path / "folder").mkdir()
        other = {"dangling link": "gone", "link to a folder": "folder"}.get(
            before, "unpacked/LICENSE"
        )
        link.symlink_to(tmp_path / other)
    assert run(package / "install.sh", "--no-systemd", PREFIX=prefix).returncode == 0
    assert str(link.readlink()) == "../lib/vaultmesh-relay/vault-relay"
    assert list((tmp_path / "folder").glob("*")) == []


def test_uninstalling_keeps_the_configuration_unless_it_is_to_be_purged(
    package: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    script = root / "usr/local/lib/vaultmesh-relay/uninstall.sh"
    run(package / "install.sh", "--systemd", DESTDIR=root)
    (root / "etc/vault-relay/tokens").write_text("secret")
    addition = root / "etc/systemd/system/vault-relay.service.d/port-443.conf"
    addition.parent.mkdir()
    addition.write_text("[Service]")
    mailbox = root / "var/lib/vault-relay/mailbox.db"
    mailbox.parent.mkdir(parents=True)
    mailbox.touch()
    done = run(script, DESTDIR=root)
    assert done.returncode == 0
    assert "kept " in done.stdout
    assert "environment tokens" in done.stdout
    assert "var/lib/vault-relay, the mailbox" in done.stdout
    assert {name for name in tree(root) if (root / name).is_file()} == {
        "etc/vault-relay/environment",
        "etc/vault-relay/tokens",
        "etc/systemd/system/vault-relay.service.d/port-443.conf",
        "var/lib/vault-relay/mailbox.db",
    }
    done = run(package / "uninstall.sh", "--purge", DESTDIR=root)
    assert done.returncode == 0
    assert {name for name in tree(root) if (root / name).is_file()} == {"etc/vault-relay/tokens"}
    (root / "etc/vault-relay/tokens").unlink()
    done = run(package / "uninstall.sh", "--purge", DESTDIR=root)
    assert done.returncode == 0
    assert not (root / "etc/vault-relay").exists()
    assert not mailbox.parent.exists()


def test_uninstalling_removes_the_folder_of_a_mailbox_that_never_was(
    package: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "root/var/lib/vault-relay"
    folder.mkdir(parents=True)
    done = run(package / "uninstall.sh", DESTDIR=tmp_path / "root")
    assert "the mailbox" not in done.stdout
    assert not folder.exists()


def test_it_leaves_the_service_and_the_link_of_others_alone(package: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    unit = root / "etc/systemd/system/vault-relay.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("ExecStart=/opt/vault-relay/bin/vault-relay\n")
    link = root / "usr/local/bin/vault-relay"
    link.parent.mkdir(parents=True)
    link.symlink_to("/opt/vault-relay/bin/vault-relay")
    mailbox = root / "var/lib/vault-relay/mailbox.db"
    mailbox.parent.mkdir(parents=True)
    mailbox.touch()
    before = tree(root)
    done = run(package / "uninstall.sh", "--purge", DESTDIR=root)
    assert done.returncode == 0
    assert "there is no relay in" in done.stdout
    assert tree(root) == before


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (["--user"], {}, "--user is no option"),
        (["--no-systemd"], {"PREFIX": "relative"}, "it must be an absolute path"),
        (["--no-systemd"], {"PREFIX": "/a b"}, "it must be an absolute path"),
        (["--no-systemd"], {"PREFIX": "/a|b"}, "it must be an absolute path"),
        (
            ["--no-systemd"],
            {"PREFIX": "/proc/1/relay"},
            "cannot be written. Run install.sh as root",
        ),
    ],
)
def test_it_refuses_what_cannot_be_installed(
    package: Path, arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    done = run(package / "install.sh", *arguments, **variables)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_relay_that_does_not_run_here_is_not_installed(package: Path, tmp_path: Path) -> None:
    (package / "lib/vault-relay").write_text("#!/no/such/loader\n")
    prefix = tmp_path / "usr"
    done = subprocess.run(
        [package / "install.sh", "--no-systemd"],
        env={"PATH": os.environ["PATH"], "PREFIX": str(prefix)},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 2
    assert "does not run on this machine" in done.stderr
    assert not (prefix / "lib/vaultmesh-relay").exists()
    assert not (prefix / "bin/vault-relay").exists()


def test_both_have_a_help(package: Path) -> None:
    for name in ("install.sh", "uninstall.sh"):
        done = run(package / name, "--help")
        assert done.returncode == 0
        assert f"./{name} [--" in done.stdout
        assert "PREFIX" in done.stdout
