"""Channels and sessions in memory: who is where, and who gets what. Knows no network.

A `Session` hears from its connection what the device said, and speaks to it through an `Outbox`.
Time comes from a `Clock`; nothing here waits, sleeps or logs.
"""
