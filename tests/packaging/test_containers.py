"""Containers: one name in all documents, a log with a limit, and one image by two ways."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.rst", *sorted(ROOT.glob("docs/**/*.rst"))]
COMPOSE = ["packaging/compose.yaml", "deploy/haproxy/compose.yaml"]
NAME = "vaultmesh-relay"


def commands(verb: str) -> list[list[str]]:
    """The words of each `docker` or `podman` command with this verb in the documents."""
    found: list[list[str]] = []
    for path in DOCUMENTS:
        text = path.read_text().replace("\\\n", " ")
        found += map(shlex.split, re.findall(rf"\b(?:docker|podman) {verb} ([^\n`]*)", text))
    assert found, verb
    return found


def test_documents_give_the_container_one_name() -> None:
    names = [words[words.index("--name") + 1] for words in commands("run") if "--name" in words]
    assert set(names) == {NAME}
    for verb in ("exec", "kill"):
        for words in commands(verb):
            assert NAME in words, words
    (service,) = yaml.safe_load((ROOT / COMPOSE[0]).read_text())["services"].values()
    assert service["container_name"] == NAME


def test_documents_run_what_is_in_the_image() -> None:
    """It has one program, on the path, and no shell."""
    for words in commands("exec"):
        assert words[words.index(NAME) + 1] == "vault-relay"


def test_the_mailbox_is_a_volume_where_the_image_has_its_folder() -> None:
    told = yaml.safe_load((ROOT / COMPOSE[0]).read_text())
    (volume,) = told["volumes"]
    state = runpy.run_path(str(ROOT / "packaging/image.py"))["STATE"]
    assert told["services"]["relay"]["volumes"] == [f"{volume}:/{state}"]


@pytest.mark.parametrize("name", COMPOSE)
def test_every_service_limits_its_log(name: str) -> None:
    """The image has 22 MB, and 30 are promised for it and its log."""
    services = yaml.safe_load((ROOT / name).read_text())["services"]
    assert services
    for service in services.values():
        assert service["logging"] == {
            "driver": "json-file",
            "options": {"max-size": "3m", "max-file": "2"},
        }


def test_a_container_of_operations_limits_its_log() -> None:
    lasting = [words for words in commands("run") if "--restart" in words]
    assert lasting
    for words in lasting:
        assert "max-size=3m" in words
        assert "max-file=2" in words


def test_the_dockerfile_gives_the_image_that_image_py_writes() -> None:
    config = runpy.run_path(str(ROOT / "packaging/image.py"))["configuration"](b"", "amd64", 0)[
        "config"
    ]
    text = (ROOT / "packaging/Dockerfile").read_text()
    steps = [line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    told = dict(steps)
    assert told["USER"] == config["User"]
    assert told["ENV"] == config["Env"][0]
    assert f"{told['EXPOSE']}/tcp" in config["ExposedPorts"]
    assert told["WORKDIR"] == config["WorkingDir"]
    assert told["STOPSIGNAL"] == config["StopSignal"]
    assert told["ENTRYPOINT"] == '["' + '", "'.join(config["Entrypoint"]) + '"]'
    labels = dict(re.findall(r'(\S+)="([^"]*)"', told["LABEL"]))
    assert labels == config["Labels"]
    health = config["Healthcheck"]
    times = re.findall(r"--(?:interval|timeout|start-period)=(\d+)s", told["HEALTHCHECK"])
    assert [int(time) * 10**9 for time in times] == [
        health["Interval"],
        health["Timeout"],
        health["StartPeriod"],
    ]
    assert f"--retries={health['Retries']} " in told["HEALTHCHECK"]
    assert told["HEALTHCHECK"].endswith('["' + '", "'.join(health["Test"][1:]) + '"]')


def test_the_dockerfile_takes_nothing_that_is_not_pinned() -> None:
    """No base but by its digest, nothing from an index, and one file that the build made."""
    text = (ROOT / "packaging/Dockerfile").read_text()
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert base == "scratch" or re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", base)
    assert "RUN" not in text
    assert re.findall(r"^(?:ADD|COPY) (\S+)", text, re.MULTILINE) == ["${TARGETARCH}.tar"]
