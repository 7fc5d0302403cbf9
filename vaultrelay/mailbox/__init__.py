"""The mailbox: ciphertext kept for sleeping devices, until it expires, is replaced or erased.

Nothing of this package is imported unless the operator turns the mailbox on.
"""
