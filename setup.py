"""Builds the compiled twins of vaultrelay/native. All else is in setup.cfg.

BUILD_NATIVE=require makes a failed compilation an error, BUILD_NATIVE=no builds none. By default
the relay is installed without them where they cannot be built, and runs the pure twins.
"""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

CHOICE = os.environ.get("BUILD_NATIVE", "")
EVERYWHERE = ["data", "frames"]
LINUX = []
"""Those that call the kernel as Linux has it."""
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "annotation_typing": False,
}


def extension(name: str) -> Extension:
    return Extension(
        f"vaultrelay.native.{name}",
        [f"vaultrelay/native/{name}.pyx"],
        extra_compile_args=[] if sys.platform == "win32" else ["-O3"],
        optional=CHOICE != "require",
    )


names = [] if CHOICE == "no" else EVERYWHERE + (LINUX if sys.platform == "linux" else [])
setup(
    ext_modules=cythonize(
        [extension(name) for name in names],
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
    )
)
