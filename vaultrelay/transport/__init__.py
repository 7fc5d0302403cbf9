"""Listeners, sockets, TLS and the front door. Knows requests, but no channels or sessions."""
