"""``vault-relay [options]``: the relay in the foreground, logging to standard error."""

from dataclasses import replace
from typing import Any

from vaultrelay.commands import COMMANDS
from vaultrelay.logs import log, log_to_stderr
from vaultrelay.policy.limits import DESCRIPTORS_BESIDE
from vaultrelay.process import raise_descriptor_limit, real_reactor, stop_with
from vaultrelay.service import RelayService
from vaultrelay.tap import Options, with_second_signal
from vaultrelay.transport.listen import CannotListen


class RunOptions(Options):
    """The relay's options, and the commands beside it."""

    commands = COMMANDS


def main(arguments: list[str]) -> int:
    """Run until a signal; 0 after a clean end, 2 when the options are not usable."""
    options = RunOptions()
    options.parseOptions(arguments)
    settings = options.settings
    log_to_stderr(settings.log_level)
    lacking = raise_descriptor_limit(settings.max_connections + DESCRIPTORS_BESIDE)
    if lacking:
        # Devices beyond it are refused politely, instead of finding nobody to accept them.
        room = max(1, settings.max_connections - lacking)
        log.warn(
            "The limit of open files is {lacking} too low for --max-connections {most}: the relay "
            "admits {room} devices. Raise it (ulimit -n, or LimitNOFILE= in the unit), or lower "
            "--max-connections.",
            lacking=lacking,
            most=settings.max_connections,
            room=room,
        )
        settings = replace(settings, max_connections=room)
    reactor = real_reactor()
    relay = with_second_signal(RelayService(settings, reactor))
    try:
        relay.privilegedStartService()
    except CannotListen as error:
        stop_with(error)
    relay.startService()
    reactor.addSystemEventTrigger("before", "shutdown", relay.stopService)
    if settings.port == 0 and not settings.listen:
        # Whoever reads it may stop the relay at once: the reactor must have its signals by then.
        reactor.callWhenRunning(print_port, relay)
    reactor.run()
    log.info("Stopped")
    return 0


def print_port(relay: RelayService) -> None:
    """Tell the port that the system picked."""
    address: Any = relay.ports[0].getHost()
    print(f"listening on port {address.port}", flush=True)
