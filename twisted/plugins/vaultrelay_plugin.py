"""Makes ``twistd vault-relay`` known.

Imports nothing of ours, since twistd loads every plugin at each start.
"""

from twisted.application.service import ServiceMaker

vault_relay = ServiceMaker(
    "VaultMesh relay",
    "vaultrelay.app.lean_plugin",
    "A relay on which the devices of a VaultMesh vault meet.",
    "vault-relay",
)
