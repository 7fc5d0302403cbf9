"""``vault-relay [options]``: the relay in the foreground, logging to standard error."""

from vaultrelay.logs import log, log_to_stderr
from vaultrelay.tap import Options, make_relay


def main(arguments: list[str]) -> int:
    """Run until a signal; 0 after a clean end, 2 when the options are not usable."""
    options = Options()
    options.parseOptions(arguments)
    log_to_stderr(options.settings.log_level)
    relay = make_relay(options.settings)
    from twisted.internet import reactor

    relay.privilegedStartService()
    relay.startService()
    if options.settings.port == 0 and not options.settings.listen:
        print(f"listening on port {relay.ports[0].getHost().port}", flush=True)
    reactor.addSystemEventTrigger(  # type: ignore[attr-defined]
        "before", "shutdown", relay.stopService
    )
    reactor.run()  # type: ignore[attr-defined]
    log.info("Stopped")
    return 0
