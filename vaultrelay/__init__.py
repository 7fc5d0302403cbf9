"""VaultMesh relay: devices of one vault meet here and pass each other ciphertext.

The relay reads sixteen bytes of every message, to know whom it is for, and nothing more. It keeps
no message, no account and no list of vaults. ``docs/protocol.rst`` says what goes over the wire.

The rooms, from the ground up; a module imports only from rooms below its own:

=============  ==================================================================
``wire``       what bytes mean: requests, control messages, data headers, proofs
``policy``     who may, and how much
``broker``     channels and sessions in memory; knows no network
``nodes``      several relays: what each says of itself, and how it is asked
``logs``       what the relay tells its operator
``transport``  sockets, TLS, the front door
``websocket``  the connection of one device, on Autobahn
``web``        the pages beside the WebSocket, on twisted.web
``client``     the reference client
``settings``   what the operator chose; ``options`` reads it from flags, variables and a file
``admin``      figures of the last hour, for metrics and the status page
``service``    everything joined, started and drained
``process``    the reactor and the exit, of which there is one
``commands``   ``vault-relay``; ``tap`` is the same for twistd
=============  ==================================================================
"""

__version__ = "1.0.0"
