"""Limits of the access rules."""

MIN_TOKEN_CHARS = 16
"""Characters of an access token. Random ones of half the length would outlast a century of guesses
at one address's rate of joins; but people choose words."""
MIN_TOKEN_VARIETY = 5
"""Different characters in a token, to exclude lines such as ---------------. Fewer than one in a
million random tokens of 16 hexadecimal digits have less."""
MAX_TOKENS = 10_000
"""Each token of a client is compared with all, 0.6 ms at most. A larger group has accounts
elsewhere, and a proxy that checks them."""
MAX_NETWORKS = 1000
"""Of one option. Each request is compared with all, in 0.15 ms; more belong in a firewall."""
MAX_CHANNELS_LISTED = 100_000
"""3 MB of memory, and while they are read 15 MB and a second. A look-up takes 10 µs."""
MAX_FILE_BYTES = 16 * 1024 * 1024
"""Of any file of options: more than the longest list of channels with a comment on each line."""
ACCESS_CHECK_SECONDS = 0.002
"""In each turn of the reactor, to check open sessions against new rules, and to close them: as long
as connections that join."""
