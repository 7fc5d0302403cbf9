"""The store in SQLite: one file and its write-ahead log, one connection."""
