# cython: auto_pickle=False
"""Compiled twins of transport/stream_core.py and of `serve_ready` in transport/epoll_group.py.

No system call here waits for anything, so they do not release Python's lock.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_SetFromErrno
from cpython.ref cimport PyObject, Py_DECREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport uint32_t

include "built.pxi"

cdef extern from "Python.h":
    PyObject *PyBytes_FromStringAndSize(const char *data, Py_ssize_t size) except NULL
    char *PyBytes_AS_STRING(PyObject *data)
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1
cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_wait(int epoll, epoll_event *events, int most, int timeout)
    enum: EPOLLIN
cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int socket, void *buffer, size_t size, int flags)
    ssize_t send(int socket, const void *buffer, size_t size, int flags)
    enum: MSG_NOSIGNAL

cdef enum:
    MOST_EVENTS = 64
    READ_BYTES = 266240
    COPY_BELOW = 32768

cdef PyObject *spare = NULL
"""The bytes object of the next read, which it leaves if it is small."""
# glibc keeps large blocks for the next ones, once it had one back: else each is mapped anew.
bytes(READ_BYTES)
cdef object writable = None


def serve_ready(poller, dict streams, int at_once, fail):
    cdef epoll_event events[MOST_EVENTS]
    cdef int i, count = epoll_wait(poller.fileno(), events, min(at_once, MOST_EVENTS), 0)
    if count < 0:
        if errno == EINTR:
            return 0
        PyErr_SetFromErrno(OSError)
    for i in range(count):
        stream = streams.get(events[i].data.fd)
        if stream is None:
            continue
        try:
            if events[i].events == EPOLLIN:
                stream.can_read()
            else:
                stream.ready(events[i].events)
        except Exception:
            fail(stream)
    return count


cdef bytes receive(int descriptor, size_t most):
    """Return what has come, which is empty at the end; or None, and errno says why."""
    global spare
    cdef PyObject *data
    if spare == NULL:
        spare = PyBytes_FromStringAndSize(NULL, READ_BYTES)
    cdef char *start = PyBytes_AS_STRING(spare)
    cdef ssize_t size = recv(descriptor, start, most, 0)
    if size < 0:
        return None
    if size < COPY_BELOW:
        return start[:size]
    data = spare
    spare = NULL
    _PyBytes_Resize(&data, size)
    received = <bytes>data
    Py_DECREF(received)
    return received


cdef class StreamCore:
    cdef public int descriptor, _events, _missing
    cdef public object protocol, socket, _allowance, _hub, _stages, _state, _unsent

    def __cinit__(self, *_, **__):
        global writable
        if writable is None:
            from vaultrelay.transport.stream_state import WRITABLE as writable

    def can_read(self):
        cdef bytes data
        if not self._events & EPOLLIN:
            return
        wanted = self._hub.ledger.read_bytes or self._allowance.bytes_allowed or self._missing
        if not wanted:
            self._hub.defer(self)
            return
        data = receive(self.descriptor, min(<size_t>wanted, <size_t>READ_BYTES))
        if not data:
            if data is not None or (errno != EAGAIN and errno != EINTR):
                self._peer_gone(data is not None)
        elif self._stages:
            self._feed_stages(data)
        else:
            self._received(data)

    def _received(self, data):
        self.protocol.dataReceived(data)

    def write(self, data):
        if self._state in writable:
            self.send_raw(data)

    cpdef send_raw(self, data):
        cdef Py_buffer view
        cdef ssize_t sent = 0
        if self._unsent is None:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            sent = max(send(self.descriptor, view.buf, view.len, MSG_NOSIGNAL), 0)
            PyBuffer_Release(&view)
        if sent < len(data):
            self._keep((data,), sent)
