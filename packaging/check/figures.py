"""Writes what the packages take into docs/install.rst: figures.py FOLDER

FOLDER: where package.py left what it measured, a file for each kind of machine. The figures of a
kind that has none stay as they were.
"""

import json
import re
import sys
from pathlib import Path

PAGE = Path("docs/install.rst")
ROW = re.compile(r"^   \* - (.*)\n     - (.*)$", re.MULTILINE)
BEGIN, END = ".. measured", ".. end of what was measured"


def main(folder: Path) -> None:
    text = PAGE.read_text()
    for file in sorted(folder.glob("figures-*.json")):
        text = with_figures(text, file.stem.removeprefix("figures-"), json.loads(file.read_text()))
    PAGE.write_text(text)


def with_figures(text: str, kind: str, figures: dict[str, str]) -> str:
    """The page with these figures, in place of those that this kind of machine had before."""
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {name: value for name, value in ROW.findall(table) if not name.startswith(kind)}
    known |= {f"{kind}: {name}": value for name, value in figures.items()}
    by_kind = sorted(known, key=lambda name: name.partition(":")[0], reverse=True)
    lines = [f"   * - {name}\n     - {known[name]}" for name in by_kind]
    return "\n".join([before + BEGIN, ".. list-table::", "", *lines, "", END]) + after


if __name__ == "__main__":
    main(Path(sys.argv[1]))
