"""The store of the mailbox: ciphertext kept until it expires, is replaced or erased.

Nothing of this package is imported unless the operator turns the mailbox on.
"""
