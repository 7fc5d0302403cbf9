"""Sphinx extension: directives that are replaced by tables made from the code."""

import re
from typing import Any

from docutils import nodes
from reference_text import TABLES
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class _Generated(SphinxDirective):
    """A part of a page that is made at the time of the build."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(TABLES[self.name](), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    for name in TABLES:
        app.add_directive(name, _Generated)
    app.connect("autodoc-process-signature", _named_interfaces)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _named_interfaces(*given: Any) -> tuple[str | None, str | None]:
    """Interfaces of Zope in annotations by their names, and not by how they are printed."""
    arguments, returned = given[-2:]
    return tuple(
        text and re.sub(r"<InterfaceClass [\w.]*?(\w+)>", r"\1", text)
        for text in (arguments, returned)
    )
