"""The code blocks of the documents, as docutils finds them."""

import re
import runpy
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import docutils.core
from docutils import nodes

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst")]
runpy.run_path(str(ROOT / "packaging/check/links.py"))["ignore_directives_of_the_site"]()
_APART = re.compile("[;|&()]+")
_OUTPUT = re.compile("[<>]+")


class Block(NamedTuple):
    """One block: its page, language and text, and the classes and names of its directive."""

    page: str
    language: str
    text: str
    classes: list[str]
    names: list[str]


@cache
def blocks(page: Path) -> list[Block]:
    """All blocks of a page that have a language."""
    tree = docutils.core.publish_doctree(page.read_text(), source_path=str(page))
    found = []
    for node in tree.findall(nodes.literal_block):
        classes = node["classes"]
        if "code" in classes:
            rest = [name for name in classes if name != "code"]
            language = rest[0] if rest else "text"
            found.append(Block(page.name, language, node.astext(), rest[1:], node["names"]))
    return found


def shell(block: Block) -> str:
    """What is typed: all of a script, the lines after a prompt of a recorded terminal."""
    if block.language == "console":
        return "\n".join(re.findall(r"^\$ (.*)", block.text, re.MULTILINE))
    return block.text


def commands(script: str) -> Iterator[list[str]]:
    """The words of each simple command, without what redirects its output."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        command: list[str] = []
        is_file = False
        for word in words:
            if _APART.fullmatch(word):
                yield command
                command = []
            elif _OUTPUT.fullmatch(word):
                is_file = True
            elif is_file:
                is_file = False
            else:
                command.append(word)
        yield command
