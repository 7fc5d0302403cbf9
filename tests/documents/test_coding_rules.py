"""Coding rules of CONTRIBUTING.rst that no linter checks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import vaultrelay

MAX_MODULE_LINES, MAX_FUNCTION_LINES = 250, 40
PACKAGE = Path(vaultrelay.__file__).parent


def too_long(module: Path) -> Iterator[str]:
    """Yield an error for the module, and for each of its functions, that has too many lines."""
    text = module.read_text()
    name = module.relative_to(PACKAGE)
    if text.count("\n") > MAX_MODULE_LINES:
        yield f"{name} has more than {MAX_MODULE_LINES} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last: int = node.end_lineno or 0
            if last - node.lineno >= MAX_FUNCTION_LINES:
                yield f"{name}:{node.lineno} {node.name} has more than {MAX_FUNCTION_LINES} lines"


def test_modules_and_functions_fit_the_rule() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    assert len(modules) > 100
    assert [line for module in modules for line in too_long(module)] == []


def test_the_rule_is_the_one_of_the_page() -> None:
    page = (PACKAGE.parent / "CONTRIBUTING.rst").read_text()
    assert f"at most {MAX_MODULE_LINES} lines, a function at most {MAX_FUNCTION_LINES}" in page
