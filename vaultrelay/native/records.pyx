"""Compiled twin of transport/unsealing.py."""

from cpython.buffer cimport PyBUF_WRITE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.ref cimport PyObject, Py_XDECREF

from ssl import SSLError, SSLWantReadError

include "built.pxi"

cdef extern from "Python.h":
    PyObject *PyBytes_FromStringAndSize(const char *data, Py_ssize_t size) except NULL
    char *PyBytes_AS_STRING(PyObject *data)
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1

cdef enum:
    RECORD_BYTES = 16384


def unseal(read, incoming):
    # What has come, and what OpenSSL kept of a record before it.
    cdef Py_ssize_t size, total = 0, left = incoming.pending, most = left + 2 * RECORD_BYTES
    cdef PyObject *plain = PyBytes_FromStringAndSize(NULL, most)
    is_orderly = None
    try:
        try:
            while left:
                # Straight into the bytes object, which nobody else has yet.
                size = read(
                    RECORD_BYTES,
                    PyMemoryView_FromMemory(
                        PyBytes_AS_STRING(plain) + total, most - total, PyBUF_WRITE
                    ),
                )
                if not size:
                    is_orderly = True
                    break
                total += size
                left = incoming.pending
        except SSLWantReadError:
            pass
        except SSLError:
            is_orderly = False
        if is_orderly is not None:
            incoming.read()
        _PyBytes_Resize(&plain, total)
        return <object>plain, is_orderly, left
    finally:
        Py_XDECREF(plain)
