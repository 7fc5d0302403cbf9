"""Compiled twins of wire/data.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

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
