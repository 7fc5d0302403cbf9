"""The figures of the packages go into their page, and leave the rest of it alone."""

import runpy
from pathlib import Path

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "packaging/check/figures.py"))
PAGE = """\
before

.. measured
.. list-table::

   * - x86_64: archive
     - 8.9 MB
   * - x86_64: gone
     - 1 s
   * - aarch64: archive
     - 8.7 MB

.. end of what was measured

after
"""


def test_a_kind_of_machine_keeps_its_figures_until_it_has_others() -> None:
    written = SCRIPT["with_figures"](PAGE, "x86_64", {"archive": "9.1 MB", "start": "0.26 s"})
    assert written == PAGE.replace("8.9", "9.1").replace("gone\n     - 1 s", "start\n     - 0.26 s")
    assert SCRIPT["with_figures"](written, "x86_64", {"archive": "9.1 MB", "start": "0.26 s"}) == (
        written
    )
