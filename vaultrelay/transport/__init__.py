"""Listeners, sockets, TLS and request dispatch. Knows requests, but no channels or sessions."""
