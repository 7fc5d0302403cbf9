"""VaultMesh relay: devices of one vault meet here and pass each other ciphertext.

The relay reads sixteen bytes of every message, to know whom it is for, and nothing more. It keeps
no message, no account and no list of vaults. ``docs/protocol.rst`` says what goes over the wire.

The packages, from the ground up; a module imports only from those below its own:

================  ===============================================================
``wire``          the wire format: requests, control messages, data headers, proofs
``policy``        access, addresses, rates and limits
``broker``        channels and sessions in memory; knows no network
``certificates``  certificates and keys: their files, formats and faults
``cluster``       several relays: their status, and the requests for it
``logs``          the logger: levels, formats, rate limits, pseudonyms
``transport``     sockets, TLS, the front door
``websocket``     the connection of one device, on Autobahn
``client``        the reference client
``config``        flags, variables and the file, read into ``Settings``
``observe``       figures, warnings, the session log, the privacy notice
``web``           the pages beside the WebSocket, on twisted.web
``app``           everything joined, started and drained; app.tap is for twistd
``commands``      ``vault-relay``
================  ===============================================================
"""

__version__ = "1.0.0"
