"""The conformance command: its options, its exit status, and what it prints."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.processes import BIN, WAIT_SECONDS, environment, run, until
from vaultrelay.commands import conformance
from vaultrelay.conformance.catalogue import catalogue

ADAPTER = [sys.executable, "-m", "examples.python_adapter"]


def test_the_list_has_a_line_for_each_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [case.name for case in catalogue()]
    assert conformance.main(["--list", "--only", "back-off-*", "--only=lost"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "no adapter: write its command after --"),
        (["--only", "weather", "--", "true"], "no case is named 'weather'"),
        (["--", "/no/such/adapter"], "'/no/such/adapter' is not a program"),
        (["--patience", "0", "--", "true"], "more than 0 seconds"),
        (["--junit", "/no/such/report.xml", "--", "true"], "--junit: /no/such/report.xml: No such"),
        (["node", "adapter.js"], "write -- before the adapter"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        conformance.main(arguments)
    said = capsys.readouterr().err
    assert error in said
    assert said.count("\n") == 1


def test_a_client_is_judged(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    told = run(
        "vault-relay",
        "conformance",
        "--only=join",
        f"--junit={report}",
        "--",
        *ADAPTER,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "  ok    join\nvaultrelay.client/1: 1 passed.\n"
    assert 'name="join"' in report.read_text("utf-8")


def test_an_adapter_that_ends_is_reported() -> None:
    told = run("vault-relay", "conformance", "--", sys.executable, "-c", "1")
    assert told.returncode == 1
    assert told.stdout.splitlines()[1].startswith("The adapter: it has ended")


def test_an_interrupted_run_has_not_passed(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    adapter = f"""
import os, pathlib, sys
print('{{"adapter": 1}}', flush=True)
for line in sys.stdin:
    print('{{"events": []}}', flush=True)
    if "events" in line:
        pathlib.Path({str(begun)!r}).write_text(str(os.getpid()))
"""
    kit = subprocess.Popen(
        [BIN / "vault-relay", "conformance", "--only=join", "--", sys.executable, "-c", adapter],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    until(lambda: begun.exists() and begun.read_text())
    kit.terminate()
    told = kit.communicate(timeout=WAIT_SECONDS)
    interrupted = "The run was interrupted: not all cases were played."
    assert (kit.returncode, *told) == (1, f"?: no case was played.\n{interrupted}\n", "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_an_error_of_the_kit_is_no_success() -> None:
    code = """
import sys
from vaultrelay.commands import conformance
from vaultrelay.conformance.runner import Runner

async def run(*arguments):
    raise ZeroDivisionError

Runner.run = run
sys.exit(conformance.main(["--", "true"]))
"""
    told = run(sys.executable, "-c", code)
    assert (told.returncode, told.stdout.splitlines()[1:]) == (
        1,
        ["An error of the kit ended the run: not all cases were played."],
    )
    assert "ZeroDivisionError" in told.stderr
