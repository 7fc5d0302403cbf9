"""The composition root: connects all packages to one relay, and sets up its process.

Imports nothing itself, since the health check uses single modules of it without Twisted.
"""
