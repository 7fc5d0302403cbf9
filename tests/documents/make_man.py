"""The maker of the man page, which is a script beside the documents."""

import importlib.util
from pathlib import Path
from types import ModuleType

_MAKER = Path(__file__).parents[2] / "docs" / "make_man.py"


def load_make_man() -> ModuleType:
    """Return docs/make_man.py as a module."""
    spec = importlib.util.spec_from_file_location("make_man", _MAKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
