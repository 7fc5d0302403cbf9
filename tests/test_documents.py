"""The documents say what is so: they parse, and the README's options are the relay's."""

import re
from io import StringIO
from pathlib import Path

import docutils.core
import pytest

from vaultrelay.options.table import OPTIONS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_parses_without_a_warning(path: Path) -> None:
    warnings = StringIO()
    docutils.core.publish_string(
        path.read_text(),
        source_path=str(path),
        settings_overrides={"report_level": 2, "warning_stream": warnings},
    )
    assert warnings.getvalue() == ""


def test_the_readme_lists_every_option_with_its_variable_and_default() -> None:
    rows = re.findall(
        r"^(--[a-z-]+) +(RELAY_[A-Z_]+) +(\S*)", (ROOT / "README.rst").read_text(), re.MULTILINE
    )
    listed = {flag: (variable, default) for flag, variable, default in rows}
    assert set(listed) == {f"--{option.name}" for option in OPTIONS}
    for option in OPTIONS:
        variable, default = listed[f"--{option.name}"]
        assert variable == option.variable
        assert default == option.default or not option.default


def test_the_readme_names_every_file_and_folder_of_the_package() -> None:
    readme = (ROOT / "README.rst").read_text()
    for path in (ROOT / "vaultrelay").iterdir():
        if path.name.strip("_") == path.name and path.suffix in ("", ".py"):
            assert f"``{path.stem}" in readme, path.name
