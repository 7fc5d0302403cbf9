"""The documents say what is so: they parse, and name what the relay has."""

import json
import re
import runpy
from collections.abc import Container
from dataclasses import fields
from io import StringIO
from pathlib import Path
from typing import Any

import docutils.core
import pytest
import yaml

from vaultrelay.cluster.status_json import NodeStatus
from vaultrelay.config.settings import OPTIONS
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.mailbox_metrics import MAILBOX_METRICS
from vaultrelay.web.metrics import METRICS as OF_ALL
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.mailbox import Gap
from vaultrelay.wire.data import Reason

ROOT = Path(__file__).parents[2]
runpy.run_path(str(ROOT / "packaging/check/links.py"))["ignore_directives_of_the_site"]()
DOCUMENTS = [*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst")]
COMMANDS = ROOT / "vaultrelay" / "commands"
METRICS = (*OF_ALL, *MAILBOX_METRICS)
OF_OTHER_PROGRAMS = {
    "certbot": {"deploy-hook", "standalone", "webroot", "webroot-path"},
    "curl": {"silent"},
    "dpkg": {"verify"},
    "docker compose, docker run": {
        "cap-drop",
        "log-opt",
        "detach",
        "env",
        "health-cmd",
        "health-interval",
        "health-timeout",
    }
    | {"memory", "name", "network", "publish", "read-only", "restart", "rm", "security-opt"}
    | {"group-add", "stop-timeout", "tmpfs", "ulimit", "user", "volume"},
    "gh": {"pattern"},
    "grep": {"ignore-case", "invert-match"},
    "install.sh, uninstall.sh": {"no-systemd", "purge"},
    "journalctl": {"follow", "lines", "no-hostname", "unit"},
    "python -m benchmarks": {"runs", "servers"},
    "pip": {"force-reinstall", "no-cache-dir", "upgrade"},
    "twistd": {"logger", "nodaemon", "rundir", "uid"},
    "sha256sum": {"ignore-missing"},
    "systemctl": {"now"},
    "tar": {"ignore-failed-read"},
    "useradd, usermod": {"append", "groups", "home-dir", "shell", "system"},
}
"""Options that documents name and that are not the relay's."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_parses_without_a_warning(path: Path) -> None:
    warnings = StringIO()
    docutils.core.publish_string(
        path.read_text(),
        source_path=str(path),
        settings_overrides={"report_level": 2, "warning_stream": warnings},
    )
    assert warnings.getvalue() == ""


def test_the_readme_is_short_and_begins_with_a_picture() -> None:
    lines = (ROOT / "README.rst").read_text().splitlines()
    assert len(lines) <= 130
    assert any(line.startswith(".. image:: ") for line in lines[:30])


def test_the_readme_has_the_two_commands() -> None:
    text = (ROOT / "README.rst").read_text()
    assert re.findall(r"^   (make \w+)$", text, re.MULTILINE) == ["make run", "make test"]


def test_the_layout_names_every_folder_and_module_of_the_package() -> None:
    page = (ROOT / "docs/architecture.rst").read_text()
    layout = page.partition("\nPackage layout\n")[2].partition("\nBeside the package")[0]
    # Not every folder: byte code of another commit may be left in one.
    packages = [path.parent for path in (ROOT / "vaultrelay").glob("*/__init__.py")]
    loose = [path for path in (ROOT / "vaultrelay").glob("*.py") if not path.stem.startswith("_")]
    assert packages
    for path in (*packages, *loose):
        assert f"``{path.stem}" in layout, path.name


def test_the_documents_name_options_and_commands_that_there_are() -> None:
    text = "\n".join(path.read_text() for path in ROOT.glob("docs/*.rst"))
    files = [*(ROOT / "docs" / "proxies").iterdir(), *ROOT.glob("systemd/*")]
    ours = {option.name for option in OPTIONS} | {"help", "version"}
    for source in COMMANDS.rglob("*.py"):
        ours |= set(_options_in(source.read_text()))
    named = set(_options_in(text)).difference(*OF_OTHER_PROGRAMS.values())
    for path in files:
        named |= set(_options_in(path.read_text()))
    assert named - ours == set()
    commands = set(re.findall(r"(?:``|^ +|/)vault-relay ([a-z]+)\b", text, re.MULTILINE))
    known = {path.stem for path in COMMANDS.glob("*.py")}
    assert {"check"} <= commands <= known


def _options_in(text: str) -> list[str]:
    return re.findall(r"(?<![-\w])--([a-z][a-z-]*[a-z])", text)


def test_the_documents_name_tests_and_modules_that_there_are() -> None:
    """Records of decisions may name what was replaced later."""
    files = [
        path
        for room in ("docs", "examples", "tests", "vaultrelay")
        for path in ROOT.glob(f"{room}/**/*.py")
    ]
    known = {file.relative_to(ROOT).parts[-count:] for file in files for count in range(1, 6)}
    for path in set(DOCUMENTS) - {ROOT / "CHANGELOG.rst", *ROOT.glob("docs/decisions/*.rst")}:
        named = re.findall(r"``([\w./-]+/\w+\.py|test_\w+\.py)``", path.read_text())
        assert [name for name in named if Path(name).parts not in known] == [], path.name


def test_monitoring_lists_every_field_of_the_status() -> None:
    text = (ROOT / "docs/monitoring.rst").read_text()
    table = text.partition("     - meaning\n   * - ``node``")[2].partition("\n\n")[0]
    named = re.findall(r"``([a-z_]+)``", "``node``" + table)
    assert [name for name in named if name not in ("ok", "draining")] == [
        field.name for field in fields(NodeStatus)
    ]


def test_every_metric_that_monitoring_speaks_of_exists() -> None:
    """In its alarms, too."""
    text = (ROOT / "docs/monitoring.rst").read_text() + (ROOT / "docs/alerts.yml").read_text()
    spoken = set(re.findall(r"vaultrelay_\w+", text))
    assert spoken
    assert spoken <= {metric.name for metric in METRICS}


def alarms() -> dict[str, dict[str, Any]]:
    """The rules of docs/alerts.yml, by name."""
    (group,) = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_monitoring_shows_the_alarms_and_speaks_of_no_other() -> None:
    text = (ROOT / "docs/monitoring.rst").read_text()
    assert ".. include:: alerts.yml\n" in text
    spoken = set(re.findall(r"``(Relay[A-Z]\w+)``", text))
    assert {"RelayIsDown"} <= spoken <= set(alarms())
    job = re.search(r"job_name: (\w+)", text)
    assert job is not None
    assert alarms()["RelayIsDown"]["expr"] == f'up{{job="{job[1]}"}} == 0'


@pytest.mark.parametrize("alarm", alarms())
def test_an_alarm_asks_for_labels_that_there_are(alarm: str) -> None:
    """One for a label that no metric has would never ring."""
    known: dict[str, Container[str]] = {
        "stage": {"waiting", "unjoined", "joined"},
        "outcome": set(REFUSED),
        "reason": {reason.name.lower() for reason in Reason},
        "slug": {code.slug for code in CloseCode},
        "job": {"vaultrelay"},
        "gap": set(Gap),
    }
    rule = alarms()[alarm]
    for label, value in re.findall(r'(\w+)="([^"]*)"', rule["expr"]):
        assert value in known[label], (label, value)
    assert rule["annotations"]["summary"]


def test_the_dashboard_asks_for_every_metric_and_for_no_other() -> None:
    dashboard = json.loads((ROOT / "docs/grafana.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"vaultrelay_\w+", target["expr"])
    }
    assert asked == {metric.name for metric in METRICS}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    dashboard = json.loads((ROOT / "docs/grafana.json").read_text())
    assert "id" not in dashboard, "it would replace another one"
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for part in (*panels, *(target for panel in panels for target in panel["targets"])):
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [each["name"] for each in dashboard["templating"]["list"]] == ["datasource", "instance"]
