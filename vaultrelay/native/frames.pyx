"""Compiled twins of websocket/frame_reader.py and websocket/frame_writer.py."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_AsStringAndSize, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy

include "built.pxi"

cdef enum:
    WHOLE_BINARY = 0x82
    MASKED = 0x80
    KEY_BYTES = 4
    MIN_HEADER_BYTES = 6
    MAX_SENT_HEADER_BYTES = 10
    SIZE_16 = 126
    SIZE_64 = 127
    SMALLEST_64 = 1 << 16


def take_messages(data, size_t position, Py_ssize_t maximum, list messages):
    """Unmask the whole binary messages of at most `maximum` bytes at `position` in `data`, and add
    them to `messages`; return where the first other frame begins."""
    cdef char *start
    cdef Py_ssize_t length
    PyBytes_AsStringAndSize(data, &start, &length)
    cdef const uint8_t *at = <const uint8_t *>start + position
    cdef const uint8_t *end = <const uint8_t *>start + length
    cdef const uint8_t *payload
    cdef uint64_t size, smallest
    cdef bytes message
    while end - at >= MIN_HEADER_BYTES and at[0] == WHOLE_BINARY and at[1] >= MASKED:
        size = at[1] - MASKED
        payload = at + MIN_HEADER_BYTES
        if size >= SIZE_16:
            smallest = SMALLEST_64 if size == SIZE_64 else SIZE_16
            payload += 8 if size == SIZE_64 else 2
            if payload > end:
                break
            size = big_endian(at + 2, payload - at - MIN_HEADER_BYTES)
            if size < smallest:
                break
        if maximum < 0 or size > <uint64_t>maximum or size > <uint64_t>(end - payload):
            break
        message = PyBytes_FromStringAndSize(NULL, size)
        unmask(<uint8_t *>PyBytes_AS_STRING(message), payload, size, payload - KEY_BYTES)
        messages.append(message)
        at = payload + size
    return at - <const uint8_t *>start


def binary_frames(list messages):
    """Return data messages as frames, one after another."""
    cdef char *message
    cdef Py_ssize_t size, total = 0
    for each in messages:
        PyBytes_AsStringAndSize(each, &message, &size)
        total += header_bytes(size) + size
    cdef bytes frames = PyBytes_FromStringAndSize(NULL, total)
    cdef uint8_t *to = <uint8_t *>PyBytes_AS_STRING(frames)
    for each in messages:
        # All of them are bytes, as the first loop found.
        size = PyBytes_GET_SIZE(each)
        to = put_header(to, size)
        memcpy(to, PyBytes_AS_STRING(each), size)
        to += size
    return frames


cdef inline uint64_t big_endian(const uint8_t *at, Py_ssize_t count) noexcept:
    cdef uint64_t number = 0
    for index in range(count):
        number = number << 8 | at[index]
    return number


cdef inline void unmask(
    uint8_t *to, const uint8_t *payload, Py_ssize_t size, const uint8_t *key
) noexcept:
    cdef uint32_t word
    cdef uint64_t mask, eight
    cdef Py_ssize_t index, words = size // 8
    memcpy(&word, key, KEY_BYTES)
    mask = <uint64_t>word << 32 | word
    for index in range(words):
        memcpy(&eight, payload + 8 * index, 8)
        eight ^= mask
        memcpy(to + 8 * index, &eight, 8)
    for index in range(8 * words, size):
        to[index] = payload[index] ^ key[index % KEY_BYTES]


cdef inline int header_bytes(Py_ssize_t size) noexcept:
    return 2 if size < SIZE_16 else 4 if size < SMALLEST_64 else MAX_SENT_HEADER_BYTES


cdef inline uint8_t *put_header(uint8_t *to, Py_ssize_t size) noexcept:
    cdef int length = header_bytes(size), index
    to[0] = WHOLE_BINARY
    to[1] = size if length == 2 else SIZE_16 if length == 4 else SIZE_64
    for index in range(2, length):
        to[index] = size >> 8 * (length - 1 - index)
    return to + length
