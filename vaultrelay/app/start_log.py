"""The lines that the relay logs when it starts."""

from vaultrelay import __version__
from vaultrelay.config.settings import Settings
from vaultrelay.logs import RelayLog
from vaultrelay.native import code
from vaultrelay.web.units import size


def log_start(settings: Settings, where: str, log: RelayLog) -> None:
    """Log what listens `where`, and the options that differ from their defaults."""
    changed = settings.changed
    options = " ".join(f"{name}={{{name}}}" for name in changed)
    log.info(
        "VaultMesh relay {version} ({code}) listens on {where}, with up to {memory} for queued "
        "messages" + (f"; {options}" if options else ""),
        version=__version__,
        code=code(),
        where=where,
        memory=size(settings.buffer_bytes),
        **changed,
    )
    if settings.service_links:
        log.info(
            "Ignored variables that Kubernetes sets for its services: {names}. To avoid them, "
            "set enableServiceLinks: false in the pod spec",
            names=", ".join(settings.service_links),
        )
