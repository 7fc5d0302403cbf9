# Each twin includes this file, and so knows the sources from which it was built (see modules.py).
cdef extern from *:
    const char *RELAY_SOURCES  # defined by setup.py

SOURCES = RELAY_SOURCES.decode()
