"""The WebSocket side of a connection, on Autobahn."""
