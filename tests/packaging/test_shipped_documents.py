"""The documents that the packages have: all that they lead to is there, too."""

import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINKS = runpy.run_path(str(ROOT / "packaging/check/links.py"))
broken_links: Callable[[Path], list[str]] = LINKS["broken_links"]
targets: Callable[[Path], list[str]] = LINKS["targets"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vaultmesh-relay")
    subprocess.run([ROOT / "packaging/documents.sh", folder], cwd=ROOT, check=True)
    return folder


def test_every_link_of_the_shipped_documents_works(shipped: Path) -> None:
    assert broken_links(shipped) == []


def test_the_readme_leads_to_every_document(shipped: Path) -> None:
    """A folder that is linked stands for the documents in it."""
    LINKS["ignore_directives_of_the_site"]()
    found, to_read = set(), [(shipped / "README.rst").resolve()]
    while to_read:
        path = to_read.pop()
        if path in found:
            continue
        found.add(path)
        if path.is_dir():
            to_read += path.glob("*.rst")
        elif path.suffix == ".rst":
            to_read += [(path.parent / target).resolve() for target in targets(path)]
    root = shipped.resolve()
    documents = {*root.glob("*.rst"), *root.glob("*.md"), *root.glob("docs/**/*.rst")}
    assert documents - found == set()


@pytest.mark.parametrize(
    "name",
    [
        "README.rst",
        "CHANGELOG.rst",
        "LICENSE",
        "docs/operations.rst",
        "docs/install.rst",
        "docs/grafana.json",
        "docs/alerts.yml",
        "docs/proxies/nginx.conf",
        "deploy/haproxy/compose.yaml",
        "packaging/compose.yaml",
        "vault-relay.1",
    ],
)
def test_what_an_operator_needs_is_shipped(shipped: Path, name: str) -> None:
    assert (shipped / name).is_file()


def test_what_makes_documents_is_not_shipped(shipped: Path) -> None:
    assert list(shipped.rglob("*.py")) == []
    assert list(shipped.rglob("__pycache__")) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("`a <other.rst>`_", ["README.rst: other.rst"]),
        ("`a <docs/>`_ `b <docs/a.rst#part>`_ `c <https://example.org/x>`_ `d <#here>`_", []),
        (".. image:: docs/none.png", ["README.rst: docs/none.png"]),
        # It is there on the machine of the author.
        ("`a <../outside.rst>`_", ["README.rst: ../outside.rst"]),
    ],
)
def test_a_link_to_what_is_not_there_is_found(tmp_path: Path, text: str, broken: list[str]) -> None:
    folder = tmp_path / "shipped"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs/a.rst").write_text("A\n=\n")
    (tmp_path / "outside.rst").write_text("")
    (folder / "README.rst").write_text(f"{text}\n")
    assert broken_links(folder) == broken
