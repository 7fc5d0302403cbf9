"""``python -m vaultrelay``: the same as ``vault-relay``."""

from vaultrelay.commands import main

main()
