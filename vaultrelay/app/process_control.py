"""Process control: reload, signals and systemd, for a relay that has a process of its own."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from vaultrelay.app.open_files import fit_to_open_files
from vaultrelay.app.reload import Reloader
from vaultrelay.app.service import RelayService
from vaultrelay.app.signal_handlers import drain_on_stop, reload_on_hangup, report_ignored
from vaultrelay.config.settings_loader import SettingsLoader
from vaultrelay.config.settings_reader import SettingsReader


def add_process_control(relay: RelayService, reader: SettingsReader) -> None:
    """Let `relay` reload, handle signals, and notify systemd if it is used."""
    reactor = relay.hub.reactor
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    if "NOTIFY_SOCKET" in os.environ:
        from vaultrelay.app.systemd_notifier import SystemdNotifier

        notifier = SystemdNotifier(os.environ, reactor, lambda: relay.broker.joined, log=relay.log)
        notifier.setServiceParent(relay)
        around = notifier.reloading
    loader = SettingsLoader(reader, relay.settings)
    reloader = Reloader(
        relay, loader, reactor=reactor, fit=fit_to_open_files, around=around, log=relay.log
    )
    reloader.setServiceParent(relay)
    reload_on_hangup(reactor, reloader.request)
    drain_on_stop(reactor, relay.abort_drain)
    report_ignored(
        reactor,
        lambda name: relay.log.warn(
            "{name} was ignored. Send SIGHUP to reload the options, SIGTERM to stop the relay",
            name=name,
        ),
    )
