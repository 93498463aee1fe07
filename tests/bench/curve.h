/* curve - a DEALER that speaks ZMTP 3.0 with CURVE over a plain socket: no thread, no queue, two system calls a request.
 *
 * A load generator on the server's own machine should cost little; it is also a second implementation of the wire. */
#pragma once

#include "tests/bench/peer.h"

#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CURVE_BUFFER = 1 << 16, CURVE_FRAME = 1 << 15 };

struct curve {
    int fd;
    size_t filled;
    uint64_t nonce;
    uint8_t key[crypto_box_BEFORENMBYTES];
    uint8_t buffer[CURVE_BUFFER];
};

static inline void curve_nonce(uint8_t nonce[24], const char *prefix, uint64_t counter)
{
    counter = htobe64(counter);
    memcpy(nonce, prefix, 16);
    memcpy(nonce + 16, &counter, 8);
}

static inline bool curve_exactly(int fd, uint8_t *data, size_t size, bool out)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = out ? send(fd, data + done, size - done, 0) : recv(fd, data + done, size - done, 0);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Writes a frame's head; returns where its body goes. */
static inline uint8_t *curve_frame(uint8_t *at, uint8_t flags, size_t size)
{
    if (size < 256) {
        *at++ = flags;
        *at++ = (uint8_t)size;
        return at;
    }
    uint64_t wide = htobe64(size);
    *at++ = flags | 2;
    memcpy(at, &wide, 8);
    return at + 8;
}

static inline bool curve_handshake(struct curve *c, const struct pair *server, const struct pair *own)
{
    static const uint8_t zero[64], metadata[] = "\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\0";
    uint8_t S[32], C[32], c_secret[32], Ct[32], ct_secret[32], nonce[24], out[512], in[512];
    zmq_z85_decode(S, server->public);
    zmq_z85_decode(C, own->public);
    zmq_z85_decode(c_secret, own->secret);
    crypto_box_keypair(Ct, ct_secret);

    uint8_t greeting[64] = {0xff, [9] = 0x7f, [10] = 3, [12] = 'C', 'U', 'R', 'V', 'E'};
    if (!curve_exactly(c->fd, greeting, 64, true) || !curve_exactly(c->fd, in, 64, false))
        return false;

    memset(out, 0, sizeof out); /* HELLO: here is my short-term key, and a sign that I know yours */
    memcpy(curve_frame(out, 4, 200), "\x05HELLO\1", 7);
    memcpy(out + 2 + 80, Ct, 32);
    curve_nonce(nonce, "CurveZMQHELLO---", ++c->nonce);
    memcpy(out + 2 + 112, nonce + 16, 8);
    if (crypto_box_easy(out + 2 + 120, zero, 64, nonce, S, ct_secret) || !curve_exactly(c->fd, out, 202, true))
        return false;

    uint8_t welcome[128]; /* the server's short-term key and a cookie */
    if (!curve_exactly(c->fd, in, 2 + 168, false) || memcmp(in + 2, "\x07WELCOME", 8) != 0)
        return false;
    memcpy(nonce, "WELCOME-", 8);
    memcpy(nonce + 8, in + 10, 16);
    if (crypto_box_open_easy(welcome, in + 26, 144, nonce, S, ct_secret))
        return false;

    uint8_t vouch[64], plain[32 + 16 + 80 + sizeof metadata - 1]; /* INITIATE: who I am, and that this is my key */
    memcpy(vouch, Ct, 32);
    memcpy(vouch + 32, S, 32);
    memcpy(plain, C, 32);
    memcpy(nonce, "VOUCH---", 8);
    randombytes_buf(nonce + 8, 16);
    memcpy(plain + 32, nonce + 8, 16);
    if (crypto_box_easy(plain + 48, vouch, 64, nonce, welcome, c_secret))
        return false;
    memcpy(plain + 128, metadata, sizeof metadata - 1);
    size_t size = 9 + 96 + 8 + 16 + sizeof plain;
    uint8_t *body = curve_frame(out, 4, size);
    memcpy(body, "\x08INITIATE", 9);
    memcpy(body + 9, welcome + 32, 96);
    curve_nonce(nonce, "CurveZMQINITIATE", ++c->nonce);
    memcpy(body + 105, nonce + 16, 8);
    if (crypto_box_easy(body + 113, plain, sizeof plain, nonce, welcome, ct_secret) ||
        !curve_exactly(c->fd, out, (size_t)(body - out) + size, true))
        return false;
    if (!curve_exactly(c->fd, in, 2, false) || !curve_exactly(c->fd, in + 2, in[1], false) ||
        memcmp(in + 2, "\x05READY", 6) != 0)
        return false; /* ERROR: this key is not welcome */
    return crypto_box_beforenm(c->key, welcome, ct_secret) == 0;
}

static inline struct curve *curve_open(int port, const struct pair *server, const struct pair *own)
{
    struct curve *c = calloc(1, sizeof *c);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!c)
        abort();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0 && curve_handshake(c, server, own))
        return c;
    close(c->fd);
    free(c);
    return NULL;
}

enum { CURVE_MORE = 1, CURVE_COMMAND = 2 }; /* what the first sealed byte says */

static inline uint8_t *curve_seal(struct curve *c, uint8_t *at, const void *data, size_t size, uint8_t flags)
{
    uint8_t nonce[24], plain[CURVE_FRAME];
    uint8_t *body = curve_frame(at, 0, 8 + 8 + 16 + 1 + size);
    curve_nonce(nonce, "CurveZMQMESSAGEC", ++c->nonce);
    memcpy(body, "\x07MESSAGE", 8);
    memcpy(body + 8, nonce + 16, 8);
    plain[0] = flags;
    memcpy(plain + 1, data, size);
    crypto_box_easy_afternm(body + 16, plain, size + 1, nonce, c->key);
    return body + 33 + size;
}

static inline bool curve_send(struct curve *c, const void *head, size_t head_size, const void *body, size_t body_size)
{
    uint8_t out[CURVE_FRAME];
    uint8_t *end = curve_seal(c, out, head, head_size, CURVE_MORE);
    end = curve_seal(c, end, body, body_size, 0);
    return curve_exactly(c->fd, out, (size_t)(end - out), true);
}

/* Opens the frame at the buffer's front. Its size on the wire, 0: not all there yet, -1: not what was agreed. */
static inline ssize_t curve_unseal(struct curve *c, size_t at, uint8_t *plain, size_t *ret_size)
{
    const uint8_t *in = c->buffer + at;
    size_t have = c->filled - at, start = have && in[0] & 2 ? 9 : 2, size;
    uint64_t wide;
    if (have < start)
        return 0;
    memcpy(&wide, in + 1, start == 9 ? 8 : 1);
    size = start == 9 ? be64toh(wide) : in[1];
    if (size > CURVE_FRAME || size < 33)
        return -1;
    if (have < start + size)
        return 0;
    uint8_t nonce[24] = "CurveZMQMESSAGES";
    memcpy(nonce + 16, in + start + 8, 8);
    *ret_size = size - 32;
    return crypto_box_open_easy_afternm(plain, in + start + 16, size - 16, nonce, c->key) ? -1
                                                                                          : (ssize_t)(start + size);
}

/* Who does not answer the server's PING (ttl, context) with a PONG (context) is taken for dead. */
static inline bool curve_pong(struct curve *c, uint8_t *ping, size_t size)
{
    uint8_t out[256], *end;
    if (size < 8 || size > 64 || memcmp(ping + 1, "\4PING", 5) != 0)
        return false;
    memcpy(ping + 3, "\4PONG", 5);
    end = curve_seal(c, out, ping + 3, size - 3, CURVE_COMMAND);
    return curve_exactly(c->fd, out, (size_t)(end - out), true);
}

static inline void curve_forget(struct curve *c, size_t size)
{
    c->filled -= size;
    memmove(c->buffer, c->buffer + size, c->filled);
}

/* Takes what has come; returns an outcome when a whole reply is there, -1 when not yet, -2 when the line is dead. */
static inline int curve_receive(struct curve *c, uint8_t plain[2][CURVE_FRAME], size_t size[2])
{
    ssize_t n = recv(c->fd, c->buffer + c->filled, CURVE_BUFFER - c->filled, MSG_DONTWAIT), first;
    c->filled += n > 0 ? (size_t)n : 0;
    while ((first = curve_unseal(c, 0, plain[0], &size[0])) > 0 && plain[0][0] & CURVE_COMMAND) {
        if (!curve_pong(c, plain[0], size[0]))
            return -2;
        curve_forget(c, (size_t)first);
    }
    ssize_t second = first > 0 ? curve_unseal(c, (size_t)first, plain[1], &size[1]) : first;
    if (first < 0 || second < 0 || n == 0)
        return -2;
    if (!second)
        return -1;
    curve_forget(c, (size_t)(first + second));
    Mejora__ReplyHead *head = mejora__reply_head__unpack(NULL, size[0] - 1, plain[0] + 1);
    int outcome = head ? (int)head->outcome : -2;
    mejora__reply_head__free_unpacked(head, NULL);
    return outcome;
}
