"""Whether documents lead to files that are there: links.py FOLDER"""

import sys
from functools import cache
from pathlib import Path

import docutils.core
from docutils import nodes
from docutils.parsers.rst import Directive, directives

OF_THE_SITE = (
    "autodata",
    "autoclass",
    "autoexception",
    "autofunction",
    "currentmodule",
    "relay-close-codes",
    "relay-commands",
    "relay-metrics",
    "relay-nack-reasons",
    "relay-options",
    "relay-outcomes",
    "relay-refusals",
    "relay-warnings",
    "toctree",
)
"""Directives that Sphinx alone knows. As a file, a page shows nothing in their place."""


class _Nothing(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        return []


def ignore_directives_of_the_site() -> None:
    """Let docutils read pages of the site without Sphinx."""
    for name in OF_THE_SITE:
        directives.register_directive(name, _Nothing)


def broken_links(folder: Path) -> list[str]:
    """The links of documents in the folder that lead to no file in it, as `document: target`."""
    ignore_directives_of_the_site()
    root = folder.resolve()
    return [
        f"{document.relative_to(root)}: {target}"
        for document in sorted([*root.glob("*.rst"), *root.glob("docs/**/*.rst")])
        for target in targets(document)
        if not _is_there(document.parent / target, root)
    ]


@cache
def targets(document: Path) -> list[str]:
    """What a document leads to and shows, but for other hosts and places in itself.

    Raises docutils.utils.SystemMessage for what it includes and is not there.
    """
    tree = docutils.core.publish_doctree(
        document.read_text(), source_path=str(document), settings_overrides={"halt_level": 3}
    )
    uris = [node["refuri"] for node in tree.findall(nodes.reference) if "refuri" in node]
    uris += [node["uri"] for node in tree.findall(nodes.image)]
    return [uri.partition("#")[0] for uri in uris if ":" not in uri and not uri.startswith("#")]


def _is_there(path: Path, root: Path) -> bool:
    resolved = path.resolve()
    return resolved.exists() and resolved.is_relative_to(root)


if __name__ == "__main__":
    found = broken_links(Path(sys.argv[1]))
    sys.exit("\n".join(found))
