"""The mailbox: the streams of devices from and to the store.

It is imported only in a relay with a mailbox.
"""
