"""The check command: its command line."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from twisted.internet.testing import MemoryReactorClock

from vaultrelay.commands import check
from vaultrelay.native import code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: URL"),
        (["ws://a", "ws://b"], "check takes one URL, such as wss://relay.example.org"),
        (["https://a"], "URL: 'https://a': it is not a URL like wss://relay.example.org"),
        (["--x\x1b", "ws://a"], "option --x\\x1b not recognized"),
        (["ws://a", "--idle=0"], "--idle: '0' must be a number of seconds from 1 to 539"),
        (
            ["--idle", "9", "ws://a"],
            "--idle: write the seconds after an equals sign, such as --idle=120",
        ),
        (["--strict=yes", "ws://a"], "--strict takes no value"),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        check.main(arguments)
    assert stopped.value.code == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"vault-relay: {said}; see vault-relay check --help\n")


class FakeCheckup:
    """A checkup whose steps are found already."""

    found: ClassVar[list[dict[str, Any]]] = []

    def __init__(
        self,
        reactor: object,
        url: str,
        report: Callable[[dict[str, Any]], None],
        *,
        idle_seconds: int,
        progress: Callable[[str], None],
    ) -> None:
        self._report = report
        self._progress = progress
        self.results: list[dict[str, Any]] = []

    @property
    def passed(self) -> bool:
        return all(result["passed"] for result in self.results)

    @property
    def warnings(self) -> list[dict[str, str]]:
        return [warning for result in self.results for warning in result["warnings"]]

    async def run(self) -> None:
        self._progress("waits")
        for result in self.found:
            self.results.append(result)
            self._report(result)


def step(name: str, passed: bool, *warnings: str) -> dict[str, Any]:
    return {
        "step": name,
        "passed": passed,
        "seconds": 0.012,
        "detail": f"{name} it is",
        "warnings": [{"step": name, "warning": slug, "detail": f"{slug}!"} for slug in warnings],
    }


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command over steps of the test's choice."""

    def react(work: Callable[[object], object]) -> None:
        work(MemoryReactorClock())
        raise SystemExit(0)

    monkeypatch.setattr(check, "Checkup", FakeCheckup)
    monkeypatch.setattr(check, "react", react)

    def play(*arguments: str, steps: list[dict[str, Any]]) -> int:
        monkeypatch.setattr(FakeCheckup, "found", steps)
        return check.main([*arguments, "wss://any:s3cret@relay.example.org"])

    return play


def test_the_steps_are_printed_as_they_come(
    played: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert played(steps=[step("name", True), step("tcp", False)]) == 1
    assert capsys.readouterr().out == (
        "Checking wss://relay.example.org\n\n"
        "  ok    name       name it is (12 ms)\n"
        "  FAIL  tcp        tcp it is (12 ms)\n"
        "\nFailed.\n"
    )
    assert played(steps=[step("name", True)]) == 0
    assert capsys.readouterr().out.endswith("\nAll steps passed.\n")


def test_warnings_are_lines_of_their_own_and_count_only_if_strict(
    played: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [step("tls", True, "old_tls", "no_alpn")]
    assert played(steps=steps) == 0
    assert capsys.readouterr().out.endswith(
        "  ok    tls        tls it is (12 ms)\n"
        "  warn  tls        old_tls!\n"
        "  warn  tls        no_alpn!\n"
        "\nPassed, with 2 warnings.\n"
    )
    assert played("--strict", steps=[step("tls", True, "old_tls")]) == 1
    assert capsys.readouterr().out.endswith("\nPassed, with 1 warning.\n")
    assert played("--strict", steps=[step("tls", True)]) == 0


def test_progress_is_told_where_no_program_reads(
    played: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert played("--idle", steps=[step("name", True)]) == 0
    assert capsys.readouterr().err == "  ...   waits\n"


def test_json_is_one_object_without_the_token(
    played: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert played("--json", steps=[step("name", True)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "url": "wss://relay.example.org",
        "passed": True,
        "warnings": [],
        "steps": [step("name", True)],
    }


def test_its_version_is_the_relays(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        check.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"vault-relay 1.0.0 ({code()})\n"
