/* Writes ready-made frames into connections, and counts the payload bytes that arrive at others.

   Called by generator.py, whose structures repeat `end`, `group`, `tls` and `outcome`. Everything is
   in C so that the generator needs less time for a message than the fastest server: a server that
   waits for its load shows more CPU for a message than it needs. */

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, READ_BYTES = 1 << 20, WAIT_MS = 20, SSL_WANT_READ = 2, SSL_WANT_WRITE = 3 };

/* One connection, with the state of the frame that is being read from it. */
struct end {
    int fd;
    int group;
    int sends;           /* whether it is the sender of its group */
    int counts;          /* whether the payload of the present frame counts */
    void *ssl;           /* of a TLS connection, else NULL */
    uint64_t left;       /* payload bytes of the present frame still to come */
    unsigned char head[10];
    unsigned char had;   /* bytes of the next frame's header so far */
};

/* A sender and what it has to write again and again, until `most` times. */
struct group {
    int sender;          /* its index in the ends */
    const char *frames;
    uint64_t bytes;
    uint64_t expected;   /* payload bytes that one write brings to all receivers together */
    uint64_t window;     /* writes that may be under way */
    uint64_t most;
    uint64_t writes;     /* begun so far */
    uint64_t offset;     /* bytes of the present write that are gone; `bytes` when all are */
    uint64_t arrived;    /* payload bytes at the receivers */
};

/* OpenSSL's functions, as found in the library that made the connections. */
struct tls {
    int (*read)(void *, void *, int);
    int (*write)(void *, const void *, int);
    int (*error)(const void *, int);
};

struct outcome {
    double seconds;      /* from the first write to the last arrival */
    int broken;          /* whether a connection ended or failed */
    int whole;           /* whether everything that was written has arrived */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* Bytes moved; 0 when it would block, -1 when the connection is broken. */
static long moved(const struct tls *tls, void *ssl, long result) {
    if (result > 0) return result;
    if (!ssl) return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    int error = tls->error(ssl, (int)result);
    return error == SSL_WANT_READ || error == SSL_WANT_WRITE ? 0 : -1;
}

static long read_some(const struct tls *tls, struct end *end, void *buffer) {
    errno = 0;
    return moved(tls, end->ssl, end->ssl ? tls->read(end->ssl, buffer, READ_BYTES)
                                         : recv(end->fd, buffer, READ_BYTES, 0));
}

static long write_some(const struct tls *tls, struct end *end, const char *from, uint64_t size) {
    errno = 0;
    return moved(tls, end->ssl, end->ssl ? tls->write(end->ssl, from, (int)size)
                                         : send(end->fd, from, size, MSG_NOSIGNAL));
}

/* Walk frames of a server (RFC 6455, section 5.2): the payload bytes of binary messages. */
static uint64_t payload_of(struct end *end, const unsigned char *at, uint64_t size) {
    uint64_t found = 0;
    while (size) {
        if (end->left) {
            uint64_t part = size < end->left ? size : end->left;
            if (end->counts) found += part;
            end->left -= part, at += part, size -= part;
            continue;
        }
        end->head[end->had++] = *at++, size--;
        if (end->had < 2) continue;
        int more = end->head[1] == 127 ? 8 : end->head[1] == 126 ? 2 : 0;
        if (end->had < 2 + more) continue;
        end->left = more ? 0 : end->head[1];
        for (int index = 2; index < 2 + more; index++) end->left = end->left << 8 | end->head[index];
        int opcode = end->head[0] & 15;
        end->counts = opcode == 2 || opcode == 0;
        end->had = 0;
    }
    return found;
}

/* Write until the window is full or the socket is; -1 when the connection is broken. */
static int send_more(const struct tls *tls, struct end *ends, struct group *group, int begin) {
    for (;;) {
        if (group->offset == group->bytes) {
            uint64_t room = group->arrived + group->window * group->expected;
            if (!begin || group->writes == group->most) return 0;
            if ((group->writes + 1) * group->expected > room) return 0;
            group->writes++, group->offset = 0;
        }
        long sent = write_some(tls, &ends[group->sender], group->frames + group->offset,
                               group->bytes - group->offset);
        if (sent <= 0) return (int)sent;
        group->offset += sent;
    }
}

/* Everything at an end that was waiting; -1 when the connection is broken. */
static int receive_all(const struct tls *tls, struct end *end, struct group *group, void *buffer) {
    for (;;) {
        long size = read_some(tls, end, buffer);
        if (size <= 0) return (int)size;
        uint64_t found = payload_of(end, buffer, size);
        if (!end->sends) group->arrived += found;
        /* A short read has emptied a socket, epoll(7); of TLS it is only one record. */
        if (!end->ssl && size < READ_BYTES) return 0;
    }
}

static int all_arrived(const struct group *groups, int count) {
    for (int index = 0; index < count; index++)
        if (groups[index].offset < groups[index].bytes
            || groups[index].arrived < groups[index].writes * groups[index].expected) return 0;
    return 1;
}

/* Begin writes for `seconds`, then wait for what is under way, all within `deadline` seconds. */
void pump(struct end *ends, int end_count, struct group *groups, int group_count,
          const struct tls *tls, double seconds, double deadline, struct outcome *outcome) {
    static struct epoll_event ready[EVENTS];
    static char buffer[READ_BYTES];
    *outcome = (struct outcome){0};
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < end_count; index++) {
        struct epoll_event wanted = {EPOLLIN | EPOLLOUT | EPOLLET, {.u32 = (uint32_t)index}};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, ends[index].fd, &wanted)) outcome->broken = 1;
    }
    double start = now();
    /* All sockets are writable, so the first events begin the first writes. */
    while (!outcome->broken && now() < start + deadline) {
        int begin = now() < start + seconds;
        int count = epoll_wait(poll, ready, EVENTS, WAIT_MS);
        if (count <= 0 && all_arrived(groups, group_count)) break;
        for (int index = 0; index < count; index++) {
            struct end *end = &ends[ready[index].data.u32];
            struct group *group = &groups[end->group];
            if (receive_all(tls, end, group, buffer) < 0
                || send_more(tls, ends, group, begin) < 0) {
                outcome->broken = 1;
                break;
            }
            outcome->seconds = now() - start;
        }
    }
    outcome->whole = all_arrived(groups, group_count);
    close(poll);
}
