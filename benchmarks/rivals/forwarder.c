/* The floor: WebSocket frames parsed, unmasked and relayed in C, with one epoll object.

   forwarder PORT. Connections that ask for the same path are in one room, and get what the others
   of it send. Nothing is checked, queued with a bound, or closed politely. Without TLS. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, READ_BYTES = 1 << 18, LARGEST = 1 << 20, FILES = 65536, ROOMS = 4096 };

struct peer {
    int fd, room;              /* room -1: the upgrade is not complete */
    struct peer *next;         /* of the same room */
    char *kept, *unsent;       /* an incomplete head or frame; what did not fit into the socket */
    size_t size, unsent_size;
};

static struct peer *peers[FILES], *rooms[ROOMS];
static int poller;
static char input[LARGEST + READ_BYTES], output[LARGEST + 2 * READ_BYTES];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* SHA-1 (RFC 3174) of a key and its GUID, 60 bytes, which pad to two blocks; in base64. */
static void accept_key(const char *key, char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char block[128] = {0}, digest[21] = {0};
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, w[80];
    memcpy(block, key, 24);
    memcpy(block + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    block[60] = 0x80, block[126] = 480 >> 8, block[127] = 480 & 255;
    for (int at = 0; at < 128; at += 64) {
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)block[at + 4 * i] << 24 | block[at + 4 * i + 1] << 16
                 | block[at + 4 * i + 2] << 8 | block[at + 4 * i + 3];
        for (int i = 16; i < 80; i++) {
            uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
            w[i] = x << 1 | x >> 31;
        }
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5A827999
                       : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                       : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                : (b ^ c ^ d) + 0xCA62C1D6;
            uint32_t next = (a << 5 | a >> 27) + f + e + w[i];
            e = d, d = c, c = b << 30 | b >> 2, b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
    for (int i = 0; i < 7; i++) {
        uint32_t three = digest[3 * i] << 16 | digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) text[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    strcpy(text + 27, "=");
}

static void hang_up(struct peer *peer) {
    if (peer->room >= 0) {
        struct peer **at = &rooms[peer->room];
        while (*at != peer) at = &(*at)->next;
        *at = peer->next;
    }
    peers[peer->fd] = NULL;
    close(peer->fd);
    free(peer->kept);
    free(peer->unsent);
    free(peer);
}

static void await(int operation, int fd, uint32_t events) {
    struct epoll_event wanted = {events, {.fd = fd}};
    if (epoll_ctl(poller, operation, fd, &wanted)) fail("epoll_ctl");
}

/* Send what fits into the socket, and keep the rest. The end of a broken connection is read later. */
static void send_all(struct peer *to, const char *data, size_t size) {
    ssize_t sent = to->unsent_size ? 0 : send(to->fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) data += sent, size -= sent;
    if (!size) return;
    if (!to->unsent_size) await(EPOLL_CTL_MOD, to->fd, EPOLLIN | EPOLLOUT);
    to->unsent = realloc(to->unsent, to->unsent_size + size);
    memcpy(to->unsent + to->unsent_size, data, size);
    to->unsent_size += size;
}

static void send_more(struct peer *to) {
    ssize_t sent = send(to->fd, to->unsent, to->unsent_size, MSG_NOSIGNAL);
    if (sent < 0) return;
    to->unsent_size -= sent;
    memmove(to->unsent, to->unsent + sent, to->unsent_size);
    if (!to->unsent_size) await(EPOLL_CTL_MOD, to->fd, EPOLLIN);
}

/* Answer the upgrade; return the bytes of its head, 0 if it is incomplete, -1 if it is none. */
static ssize_t upgrade(struct peer *peer, char *data, size_t size) {
    char *end = memmem(data, size, "\r\n\r\n", 4), answer[256], key[32];
    if (!end) return size < 8192 ? 0 : -1;
    *end = 0;
    char *named = strcasestr(data, "Sec-WebSocket-Key: ");
    int room = 0;
    if (!named || end - named < 19 + 24 || sscanf(data, "GET /%d", &room) < 0) return -1;
    accept_key(named + 19, key);
    peer->room = (unsigned)room % ROOMS;
    peer->next = rooms[peer->room];
    rooms[peer->room] = peer;
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", key);
    send_all(peer, answer, length);
    return end + 4 - data;
}

/* Copy one masked frame as an unmasked one (RFC 6455, section 5.2) to `to`, and set its size;
   return the bytes that it took, 0 if it is incomplete, -1 if it is too large or not masked. */
static ssize_t unmask(const unsigned char *data, size_t size, char *to, size_t *written) {
    if (size < 2) return 0;
    size_t head = 2, length = data[1] & 127;
    int more = length == 127 ? 8 : length == 126 ? 2 : 0;
    if (!(data[1] & 128)) return -1;
    if (size < head + more + 4) return 0;
    if (more) {
        length = 0;
        for (int i = 0; i < more; i++) length = length << 8 | data[2 + i];
        head += more;
    }
    if (length > LARGEST - 16) return -1;
    if (size < head + 4 + length) return 0;
    memcpy(to, data, head);
    to[1] &= 127;
    uint64_t mask = 0;
    memcpy(&mask, data + head, 4);
    mask |= mask << 32;
    const unsigned char *from = data + head + 4;
    char *into = to + head;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word;
        memcpy(&word, from + at, 8);
        word ^= mask;
        memcpy(into + at, &word, 8);
    }
    for (; at < length; at++) into[at] = from[at] ^ (mask >> 8 * (at % 8) & 255);
    *written = head + length;
    return head + 4 + length;
}

/* Take what a peer sent, and relay all complete frames with one send to each receiver. */
static void serve(struct peer *peer) {
    memcpy(input, peer->kept, peer->size);
    ssize_t got = recv(peer->fd, input + peer->size, READ_BYTES, 0), took = 0;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        hang_up(peer);
        return;
    }
    size_t size = peer->size + got, at = 0, out = 0, written = 0;
    if (peer->room < 0) {
        took = upgrade(peer, input, size);
        at = took > 0 ? took : 0;
    }
    while (peer->room >= 0 && took >= 0) {
        took = unmask((unsigned char *)input + at, size - at, output + out, &written);
        if (took <= 0) break;
        at += took;
        if ((output[out] & 15) == 8) took = -1;
        out += written;
    }
    for (struct peer *to = peer->room < 0 ? NULL : rooms[peer->room]; to && out; to = to->next)
        if (to != peer) send_all(to, output, out);
    if (took < 0) {
        hang_up(peer);
        return;
    }
    if (size - at != peer->size) peer->kept = realloc(peer->kept, size - at + 1);
    peer->size = size - at;
    memcpy(peer->kept, input + at, peer->size);
}

int main(int count, char **words) {
    if (count != 2) return 2;
    signal(SIGPIPE, SIG_IGN);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in here = {AF_INET, htons(atoi(words[1])), {htonl(INADDR_LOOPBACK)}, {0}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 1024)) fail("bind");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ready[EVENTS];
    await(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int events = epoll_wait(poller, ready, EVENTS, -1);
        for (int index = 0; index < events; index++) {
            int fd = ready[index].data.fd;
            if (fd != listener) {
                if (ready[index].events & EPOLLOUT) send_more(peers[fd]);
                if (ready[index].events & ~EPOLLOUT) serve(peers[fd]);
                continue;
            }
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0 || fd >= FILES) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            peers[fd] = calloc(1, sizeof **peers);
            peers[fd]->fd = fd, peers[fd]->room = -1, peers[fd]->kept = malloc(1);
            await(EPOLL_CTL_ADD, fd, EPOLLIN);
        }
    }
}
