"""Channels and sessions in memory, and the messages between them. Knows no network.

A `Session` is called by its connection for what the device sends, and answers through an `Outbox`.
Time comes from a `Clock`; nothing here waits, sleeps or logs.
"""
