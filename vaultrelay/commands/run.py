"""``vault-relay [options]``: the relay in the foreground, logging to standard error."""

import gc
from typing import Any

from vaultrelay.app.exit_status import CannotStart, stop_with
from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.app.process_control import add_process_control
from vaultrelay.app.process_options import ProcessOptions
from vaultrelay.app.reactor import real_reactor
from vaultrelay.app.service import RelayService
from vaultrelay.app.signal_handlers import after_end
from vaultrelay.commands import COMMANDS
from vaultrelay.logs import log_to_stderr
from vaultrelay.transport.listening_service import CannotListen


class RunOptions(ProcessOptions):
    """The relay's options, and the commands beside it."""

    commands = COMMANDS


def main(arguments: list[str]) -> int:
    """Run until a signal; return 0 after a clean end, 2 for invalid options."""
    options = RunOptions()
    options.parseOptions(arguments)
    settings = fit_to_open_files(options.settings)
    log = log_to_stderr(settings.log)
    reactor = real_reactor()
    relay = RelayService(settings, reactor, log=log)
    add_process_control(relay, options.reader)
    try:
        relay.privilegedStartService()
        relay.startService()
    except (CannotListen, CannotStart) as error:
        stop_with(error)
    except OSError as error:
        # Such as a limit on open files below what any process needs.
        stop_with(f"cannot start: {(error.strerror or str(error)).lower()}")
    reactor.addSystemEventTrigger("before", "shutdown", relay.stopService)
    if settings.port == 0 and not settings.listen:
        # A reader of it may stop the relay at once: the reactor must have its signals by then.
        reactor.callWhenRunning(print_port, relay)
    # The objects made so far stay. Visiting them in each collection cost 50 us for each device that
    # joins, 8 % (docs/performance.rst).
    gc.collect()
    gc.freeze()
    reactor.run()
    after_end()
    log.info("Stopped")
    return 0


def print_port(relay: RelayService) -> None:
    """Print the port that the system picked."""
    address: Any = relay.listeners.ports[0].getHost()
    print(f"listening on port {address.port}", flush=True)
