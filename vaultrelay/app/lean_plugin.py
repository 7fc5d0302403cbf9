"""Imports the plugin of ``twistd vault-relay`` as ``vault-relay`` is imported: leanly."""

from vaultrelay.app import lean_imports

lean_imports.install()

from vaultrelay.app.twistd_plugin import Options, makeService  # noqa: E402  after install(), which leaves modules out

__all__ = ["Options", "makeService"]
