"""Builds the compiled twins of vaultrelay/native. All else is in setup.cfg.

BUILD_NATIVE=require makes a failed compilation an error, BUILD_NATIVE=no builds none, and
BUILD_NATIVE=sanitize is `require` with the checks of AddressSanitizer, for `make sanitize`. By
default the relay is installed without them where they cannot be built, and runs the pure twins.
"""

import os
import sys
from pathlib import Path
from runpy import run_path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

CHOICE = os.environ.get("BUILD_NATIVE", "")
FOLDER = Path("vaultrelay/native")
MODULES = run_path(str(FOLDER / "modules.py"))
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "annotation_typing": False,
}
BUILD = "build/cython"
FLAGS = [] if sys.platform == "win32" else ["-O3", "-g0"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1", "-g"]
CANNOT = "the compiled twins cannot be built"
REMEDY = "They take a C compiler and the headers of Python; BUILD_NATIVE=no does without them"


class BuildTwins(build_ext):
    """Builds all twins, or none."""

    def run(self) -> None:
        if not self.extensions:
            return
        # A time of a file does not tell whether it was made of these sources: trees are copied.
        self.force = True
        try:
            self._translate()
            super().run()
        except Exception as error:
            if CHOICE in ("require", "sanitize"):
                raise SystemExit(f"setup.py: {CANNOT}: {error}. {REMEDY}") from None
            for twin in self.extensions:
                # Of an earlier build.
                Path(self.build_lib, self.get_ext_filename(twin.name)).unlink(missing_ok=True)
            self.extensions = []
            self.distribution.ext_modules = []
            print(f"setup.py: {CANNOT}, so the pure ones will run: {error}", file=sys.stderr)

    def _translate(self) -> None:
        """Replace the sources by C. Here, so that an sdist contains none of it."""
        from Cython.Build import cythonize

        for twin in self.extensions:
            (made,) = cythonize([twin], build_dir=BUILD, compiler_directives=DIRECTIVES, force=True)
            twin.sources = made.sources


class Wheel(bdist_wheel):
    """The wheel is for any system if no twin can be built."""

    def run(self) -> None:
        self.run_command("build_ext")
        self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()


def extension(name: str) -> Extension:
    """Return a twin, which knows the sources from which it is built."""
    return Extension(
        f"vaultrelay.native.{name}",
        [f"{FOLDER}/{name}.pyx"],
        define_macros=[("RELAY_SOURCES", f'"{MODULES["digest"](str(FOLDER))}"')],
        extra_compile_args=SANITIZERS if CHOICE == "sanitize" else FLAGS,
        extra_link_args=SANITIZERS if CHOICE == "sanitize" else [],
    )


if CHOICE not in ("", "no", "require", "sanitize"):
    raise SystemExit(f"setup.py: BUILD_NATIVE is '{CHOICE}', and must be no, require or unset")
names = () if CHOICE == "no" else MODULES["names"](sys.platform)
setup(
    ext_modules=[extension(name) for name in names],
    cmdclass={"build_ext": BuildTwins, "bdist_wheel": Wheel},
)
