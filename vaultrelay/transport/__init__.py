"""Sockets and TLS: where connections come from. Knows requests, but nothing of vaults."""
