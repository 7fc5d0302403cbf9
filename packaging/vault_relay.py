"""The program of the package."""

from vaultrelay.app import lean_imports
from vaultrelay.commands import main

# What this keeps out is not in the package, so it is for the other commands, too.
lean_imports.install()
main()
