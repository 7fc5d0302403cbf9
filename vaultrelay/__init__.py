"""VaultMesh relay: passes ciphertext between the devices of a channel.

The relay reads only the 16-byte header of each data message, to find the receivers. It stores no
messages, no accounts and no list of vaults. ``docs/protocol.rst`` specifies the protocol.

The packages, lowest layer first; a module imports only from its own package and those above it in
this table:

================  ===============================================================
``native``        compiled twins of the hot path, chosen where there are some
``wire``          the wire format: requests, control messages, data headers, proofs
``policy``        access, addresses, rates and limits
``broker``        channels and sessions in memory, without a network
``certificates``  certificates and keys: their files, formats and faults
``cluster``       several relays: their status, and the requests for it
``logs``          the logger: levels, formats, rate limits, pseudonyms
``store``         the store of the mailbox, in SQLite, and its thread
``transport``     sockets, TLS, request dispatch
``websocket``     the connection of one device, on Autobahn
``client``        the reference client
``mailbox``       the streams of sleeping devices from and to the store
``conformance``   a scripted relay that tests clients
``config``        flags, variables and the file, parsed into ``Settings``
``observe``       figures, warnings, the session log, the privacy notice
``web``           the HTTP pages, on twisted.web
``app``           the service: wiring, start, reload, drain, and twistd's plugin
``commands``      the subcommands of ``vault-relay``
================  ===============================================================
"""

__version__ = "1.0.0"
