"""Compiled twins of wire/data.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_AsStringAndSize, PyBytes_Check, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <stdlib.h>
    #define relay_swap32(word) _byteswap_ulong(word)
    #else
    #define relay_swap32(word) __builtin_bswap32(word)
    #endif
    """
    uint32_t relay_swap32(uint32_t word) nogil

include "built.pxi"

cdef enum:
    HEADER_BYTES = 16
    ID_AT = 12
    PLAIN_DATA = 0x10000000


def check_data(message, unsigned long session):
    """Return the `(to, id)` of a DATA message that `session` may send. Raises BadHeader for any
    other, by the pure twin."""
    cdef uint32_t word[4]
    cdef unsigned long to
    if PyBytes_Check(message) and PyBytes_GET_SIZE(message) >= HEADER_BYTES:
        memcpy(word, PyBytes_AS_STRING(message), HEADER_BYTES)
        to = relay_swap32(word[1])
        if (
            relay_swap32(word[0]) == PLAIN_DATA
            and relay_swap32(word[2]) == session
            and to != session
            and to != 0
        ):
            return to, relay_swap32(word[3])
    from vaultrelay.wire.data import data_refused
    raise data_refused(message, session)


def end_of_run(list messages, Py_ssize_t start, double most_messages, double most_bytes):
    """Find the end of the run of messages that begins with the checked one at `start`."""
    cdef char *first = NULL
    cdef char *message
    cdef Py_ssize_t length, end, size = 0
    for end in range(start, len(messages)):
        PyBytes_AsStringAndSize(messages[end], &message, &length)
        if first is NULL:
            if length < HEADER_BYTES:
                return end + 1, length
            first = message
        elif end - start > most_messages or size > most_bytes:
            return end, size
        elif length < HEADER_BYTES or memcmp(first, message, ID_AT):
            return end, size
        size += length
    return len(messages), size
