"""Options: flags, RELAY_* variables and the configuration file, read into Settings.

One table says what there is. A flag beats a variable, a variable beats the file, the file beats the
default.
"""

from vaultrelay.options.flags import RelayOptions
from vaultrelay.options.reader import read_settings
from vaultrelay.options.sources import BadOption
from vaultrelay.options.table import OPTIONS

__all__ = ["OPTIONS", "BadOption", "RelayOptions", "read_settings"]
