"""Ends the process with one line if RELAY_NATIVE cannot be satisfied.

For a module that another program imports, where an exception would be a traceback. To be imported
before all that has twins.
"""

from vaultrelay.app.exit_status import stop_with
from vaultrelay.native import NativeMissing, code

try:
    code()
except NativeMissing as error:
    stop_with(error)
