"""The command completions: scripts of the shells, run in the shells that there are."""

import shutil
import subprocess
from pathlib import Path

import pytest

from vaultrelay.commands import COMMANDS, completions
from vaultrelay.config.settings import OPTIONS

SHELLS = ("bash", "zsh", "fish")
COMPLETE = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_vault_relay
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def script_of(shell: str, capfd: pytest.CaptureFixture[str]) -> str:
    assert completions.main([shell]) == 0
    return capfd.readouterr().out


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_each_option_and_command(
    shell: str, capfd: pytest.CaptureFixture[str]
) -> None:
    script = script_of(shell, capfd)
    dashes = "-l " if shell == "fish" else "--"
    assert all(f"{dashes}{option.name}" in script for option in OPTIONS)
    assert all(name in script for name in COMMANDS)
    assert all(word in script for word in ("revoke", "token-file", "with-token", "error warn info"))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_script(
    shell: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "script").write_text(script_of(shell, capfd))
    done = subprocess.run(
        [program, "-n", tmp_path / "script"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("vault-relay con", {"config", "conformance"}),
        ("vault-relay --log-l", {"--log-level"}),
        ("vault-relay --log-level d", {"debug"}),
        ("vault-relay --log-level = w", {"warn"}),
        ("vault-relay --log-format =", {"text", "json"}),
        ("vault-relay --port 8", {""}),
        ("vault-relay config ch", {"check"}),
        ("vault-relay config check --sess", {"--session-ttl"}),
        ("vault-relay invite --no", {"--no-qr", "--node-name"}),
        ("vault-relay check --st", {"--strict"}),
        ("vault-relay check --sess", {""}),
        ("vault-relay token re", {"revoke"}),
        ("vault-relay completions f", {"fish"}),
        ("vault-relay --config ./setup.c", {"./setup.cfg"}),
        ("vault-relay --runtime-folder ./vaultr", {"./vaultrelay"}),
    ],
)
def test_bash_completes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: str, found: set[str]
) -> None:
    (tmp_path / "script").write_text(script_of("bash", capfd))
    quoted = " ".join(f"'{word}'" for word in words.split())
    code = COMPLETE.format(script=tmp_path / "script", words=quoted)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert (set(done.stdout.splitlines()), done.stderr) == (found, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: SHELL"),
        (["tcsh"], "SHELL: invalid choice: 'tcsh' (choose from "),
        (["bash", "zsh"], "'zsh' is not an option"),
    ],
)
def test_another_shell_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        completions.main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(f"vault-relay: {said}")
