"""Sphinx extension: links between pages are written as to files, and work in the site all the same.

The pages are also read as files, on a forge and in the packages, so they say ```text <page.rst>`_``
and not ``:doc:``. What is no page of the site becomes a download.
"""

import posixpath
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)
_ROOT = Path(__file__).parents[2]
_ELSEWHERE = {"CHANGELOG.rst": "changelog", "CONTRIBUTING.rst": "contributing"}
"""Files beside docs/ that are included in a page."""


class _LinksToFiles(SphinxTransform):
    """Finds the page or file that a link leads to."""

    default_priority = 730

    def apply(self, **_keywords: Any) -> None:
        # The theme has the sections of a page beside it.
        for topic in list(self.document.findall(nodes.topic)):
            if "contents" in topic["classes"]:
                topic.parent.remove(topic)
        for image in self.document.findall(nodes.image):
            # With a width, Sphinx links it to the picture itself, which phones can enlarge.
            image.setdefault("width", "100%")
        for node in list(self.document.findall(nodes.reference)):
            uri = node.get("refuri", "")
            if uri and ":" not in uri and not uri.startswith("#"):
                self._resolve(node, *uri.partition("#")[::2])

    def _resolve(self, node: nodes.reference, target: str, anchor: str) -> None:
        found = self._found(target)
        if found is None:
            logger.warning("no file or page: %s", target, location=node)
            return
        page = _page_of(found)
        if page is not None and page in self.env.found_docs:
            node["refuri"] = ""
            node["relay_page"], node["relay_anchor"] = page, anchor
            return
        download = addnodes.download_reference(
            "", "", *node.children, reftarget="/" + posixpath.relpath(found, "docs")
        )
        node.replace_self(download)

    def _found(self, target: str) -> str | None:
        """The path in the repository: from the page's folder, or from that of an included file."""
        folder = posixpath.dirname(posixpath.join("docs", self.env.docname))
        for base in (folder, ""):
            path = posixpath.normpath(posixpath.join(base, target))
            if (_ROOT / path).exists():
                return path
        return None


def _page_of(path: str) -> str | None:
    """The page of the site that has this file, without knowing whether there is one."""
    if path in _ELSEWHERE:
        return _ELSEWHERE[path]
    inside = posixpath.relpath(path, "docs")
    if (_ROOT / path).is_dir():
        return posixpath.join(inside, "index")
    return inside.removesuffix(".rst") if inside.endswith(".rst") else None


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Now that all pages were read, look for the anchors."""
    for node in doctree.findall(nodes.reference):
        if "relay_page" not in node:
            continue
        page, anchor = node["relay_page"], node["relay_anchor"]
        if anchor and anchor not in app.env.get_doctree(page).ids:
            logger.warning("%s has no section %s", page, anchor, location=node)
        node["refuri"] = app.builder.get_relative_uri(docname, page) + (anchor and f"#{anchor}")
        node["internal"] = True
        if node.astext().endswith(".rst"):
            # In a file the name is what helps, here the title.
            node.children = [nodes.Text(app.env.titles[page].astext())]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_transform(_LinksToFiles)
    app.connect("doctree-resolved", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
