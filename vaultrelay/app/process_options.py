"""ProcessOptions: the relay's options as this process has them, for twistd and our commands."""

import os
from typing import Any

from twisted.python import usage

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.standard_streams import guard, print_result
from vaultrelay.app.version import version_line
from vaultrelay.config.command_line import RelayOptions


class ProcessOptions(RelayOptions):
    """The relay's options, with the environment of the process. Exits if one is invalid."""

    environment = os.environ

    parent: Any = None
    """The options of twistd itself."""

    def __init__(self) -> None:
        # The first code of ours that twistd runs, before the reactor opens a descriptor.
        guard()
        super().__init__()

    def reactor(self) -> Any:
        return real_reactor()

    def opt_version(self) -> None:
        print_result(version_line())
        raise SystemExit(0)

    def parseOptions(self, options: list[str] | None = None) -> None:
        if self.parent is not None:
            self.user = self.parent.get("uid")
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            stop_with(error)
