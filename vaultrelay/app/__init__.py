"""The composition root: joins all rooms to one relay, and the process that it runs in.

Imports nothing itself, since the health check uses single modules of it and needs no Twisted.
"""
