/* Whoever has no business here gets nothing, leaves a trace, and costs the others nothing; and who had business once has none
 * any more from the next message on. */
#include "action.pb-c.h"
#include "people.pb-c.h"
#include "tests/support/lib/world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLOSE_MS = 20000 }; /* the server gives a handshake five seconds */

static struct mejorad server, second;
static void *good;
static struct keys keys_of_good;
static struct reply r;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    mejorad_beside(&second, &server, NULL);
    keys_of_good = world_person(&server, "inm", "buena", "{planner}", "{}");
    good = peer_open(&server, &keys_of_good);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    peers_end();
    mejorad_remove(&second);
    mejorad_remove(&server);
    return 0;
}

static void assert_goes_on(const char *after)
{
    assert_reply(asked(good, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, after);
    void *newcomer = peer_open(&server, &keys_of_good);
    assert_reply(asked(newcomer, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, after);
    peer_close(newcomer);
}

/* ---- on the bare line ---- */

/* mechanism: NULL, or that of a whole greeting before the bytes. */
static const struct {
    const char *name, *mechanism, *bytes;
    size_t size;
} lines[] = {
    {"says nothing", NULL, "", 0},
    {"half a greeting", NULL, "\xff\0\0\0\0\0\0\0\x01\x7f", 10},
    {"HTTP", NULL, "GET / HTTP/1.1\r\nHost: plan\r\n\r\n", 30},
    {"TLS", NULL, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11},
    {"SMTP", NULL, "EHLO plan\r\n", 11},
    {"an old ZMTP", NULL, "\x01\0", 2},
    {"NULL, and then READY", "NULL", "\x04\x06\x05READY", 8},
    {"NULL, and then a message", "NULL", "\0\x05hello", 7},
    {"PLAIN, and then HELLO", "PLAIN",
     "\x04\x0e\x05HELLO\x03"
     "ana\x03"
     "ana",
     16},
    {"CURVE, and nothing more", "CURVE", "", 0},
    {"CURVE, and a short HELLO", "CURVE", "\x04\x0e\x05HELLO12345678", 16},
    {"CURVE, and a message at once", "CURVE", "\0\x05hello", 7},
    {"a command of 2 GiB", "CURVE", "\x06\0\0\0\0\x80\0\0\0", 9},
    {"a command of 2^63", "CURVE", "\x06\x80\0\0\0\0\0\0\0", 9},
    {"a frame of 2^64 - 1", "CURVE", "\x02\xff\xff\xff\xff\xff\xff\xff\xff", 9},
    {"reserved flags", "CURVE", "\xf8\x01x", 3},
};
enum { LINES = sizeof lines / sizeof *lines, NOISES = 8, SOCKETS = LINES + NOISES };

static int line_open(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strrchr(server.endpoint, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static int line_say(const char *mechanism, const void *bytes, size_t size)
{
    int fd = line_open();
    char greeting[64] = {(char)0xff, [8] = 1, [9] = 0x7f, [10] = 3};
    if (mechanism) {
        memcpy(greeting + 12, mechanism, strlen(mechanism));
        assert_int_equal(send(fd, greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
    }
    if (size) /* it may have hung up on the greeting already */
        send(fd, bytes, size, MSG_NOSIGNAL);
    return fd;
}

/* Until the server has hung up on all of them. */
static void lines_wait(struct pollfd on[], int n)
{
    char greeting[256];
    for (int left = n; left > 0;) {
        if (poll(on, (nfds_t)n, CLOSE_MS) <= 0)
            for (int i = 0; i < n; i++)
                if (on[i].fd >= 0)
                    fail_msg("not hung up on: %s", i < LINES ? lines[i].name : "noise");
        for (int i = 0; i < n; i++)
            if (on[i].revents && recv(on[i].fd, greeting, sizeof greeting, MSG_DONTWAIT) <= 0) {
                close(on[i].fd);
                on[i].fd = -1;
                left--;
            }
    }
}

static void who_speaks_something_else_is_hung_up_on(void **state)
{
    struct pollfd on[SOCKETS];
    uint8_t noise[64];
    (void)state;
    int failed = mejorad_said(&server, "handshake failed");
    for (int i = 0; i < SOCKETS; i++) {
        randombytes_buf(noise, sizeof noise);
        int fd = i < LINES ? line_say(lines[i].mechanism, lines[i].bytes, lines[i].size)
                           : line_say(NULL, noise, sizeof noise);
        on[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        assert_goes_on(i < LINES ? lines[i].name : "noise");
    }
    lines_wait(on, SOCKETS);
    assert_goes_on("all of them");
    assert_true(mejorad_said(&server, "handshake failed") > failed);
}

/* ---- through libzmq ---- */

static void set_curve(void *s, const char *server_key, const struct keys *k)
{
    zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server_key, 40);
    zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, k->public, 40);
    zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, k->secret, 40);
}

static void plain_zmq(void *s)
{
    (void)s;
}

static void plain_password(void *s)
{
    zmq_setsockopt(s, ZMQ_PLAIN_USERNAME, "ana", 3);
    zmq_setsockopt(s, ZMQ_PLAIN_PASSWORD, "ana", 3);
}

static void unknown_key(void *s)
{
    struct keys k;
    zmq_curve_keypair(k.public, k.secret);
    set_curve(s, server.key, &k);
}

static void wrong_server_key(void *s)
{
    struct keys other;
    zmq_curve_keypair(other.public, other.secret);
    set_curve(s, other.public, &keys_of_good);
}

static void somebody_elses_public_key(void *s)
{
    struct keys k = keys_of_good;
    char own[41];
    zmq_curve_keypair(own, k.secret);
    set_curve(s, server.key, &k);
}

/* Whether the first handshake of a socket with the server succeeds. */
static bool is_let_in(void *s, const struct mejorad *at)
{
    static int number;
    char name[40];
    uint16_t event = 0;
    void *watch = peer_pair();
    snprintf(name, sizeof name, "inproc://watch-%d", ++number);
    assert_int_equal(zmq_socket_monitor(s, name, ZMQ_EVENT_ALL), 0);
    assert_int_equal(zmq_connect(watch, name), 0);
    assert_int_equal(zmq_connect(s, at->endpoint), 0);
    const int failed = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED;
    while (!(event & (failed | ZMQ_EVENT_HANDSHAKE_SUCCEEDED))) {
        char frame[256];
        zmq_setsockopt(watch, ZMQ_RCVTIMEO, &(int){PEER_WAIT_MS}, sizeof(int));
        assert_true(zmq_recv(watch, frame, sizeof frame, 0) >= 6);
        memcpy(&event, frame, sizeof event);
        assert_true(zmq_recv(watch, frame, sizeof frame, 0) >= 0);
    }
    zmq_socket_monitor(s, NULL, 0);
    peer_close(watch);
    return event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
}

static bool key_is_let_in(const struct keys *k, const struct mejorad *at)
{
    void *s = peer_bare();
    set_curve(s, at->key, k);
    bool in = is_let_in(s, at);
    peer_close(s);
    return in;
}

static const struct {
    const char *name;
    void (*set)(void *socket);
    const char *said; /* in the server's log */
} strangers[] = {
    {"plain ZeroMQ", plain_zmq, "handshake failed"},
    {"a name and a password", plain_password, "handshake failed"},
    {"a key that nobody has", unknown_key, "keys: refused code=400"},
    {"another server's key", wrong_server_key, "handshake failed"},
    {"somebody else's public key", somebody_elses_public_key, "handshake failed"},
};

static void who_has_no_key_of_ours_is_not_let_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        int said = mejorad_said(&server, strangers[i].said);
        void *s = peer_bare();
        strangers[i].set(s);
        if (is_let_in(s, &server))
            fail_msg("let in: %s", strangers[i].name);
        mejorad_wait_said(&server, strangers[i].said, said + 1);
        peer_close(s);
        assert_goes_on(strangers[i].name);
    }
}

/* ---- with a key, but no manners ---- */

static void send_frames(void *peer, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        assert_true(zmq_send(peer, text, strlen(text), i < n - 1 ? ZMQ_SNDMORE : 0) >= 0);
}

static void another_number_of_frames_is_answered_as_malformed(void **state)
{
    (void)state;
    for (int n = 1; n <= 6; n++)
        for (int empty = 0; empty < 2; empty++) {
            send_frames(good, n, empty ? "" : "\x08\x01");
            hear(good, &r);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", "frames");
            assert_goes_on("frames"); /* the same connection still tells requests apart */
        }
}

static void garbage_without_end_is_answered_and_not_all_of_it_noted(void **state)
{
    enum { GARBAGE = 3000, AT_ONCE = 50 };
    (void)state;
    struct keys k = world_person(&server, "inm", "basura", "{viewer}", "{}");
    void *peer = peer_open(&server, &k);
    for (int n = 0; n < GARBAGE; n += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            send_frames(peer, 1 + (n + i) % 3, "\xff\xff\xff");
        for (int i = 0; i < AT_ONCE; i++) {
            hear(peer, &r);
            assert_reply(&r, MEJORA__OUTCOME__OUTCOME_INVALID, "malformed", "garbage");
        }
    }
    peer_close(peer);
    assert_goes_on("garbage");
    assert_in_range(sql_long(&server, "select count(*) from road.audit where key = %ld", k.id), 1, GARBAGE / 2);
}

/* ---- who was welcome once ---- */

static void key_revoke(const struct keys *k)
{
    Mejora__KeyRevokeRequest m = MEJORA__KEY_REVOKE_REQUEST__INIT;
    m.has_key = 1;
    m.key = k->id;
    m.why = (char *)(uintptr_t) "se fue";
    assert_reply(asked(good, "key_revoke", "inm", &m.base), MEJORA__OUTCOME__OUTCOME_OK, NULL, "key_revoke");
}

/* On the connections there are, at both servers, and on new ones. */
static void assert_shut_out(void *here, void *there, const struct keys *k, const char *why)
{
    assert_reply(asked(here, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_DENIED, "key_revoked", why);
    assert_reply(asked(there, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_DENIED, "key_revoked", why);
    report(here, "inm/2023/1", NULL, 25, "todavía yo");
    hear(here, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_DENIED, "key_revoked", why);
    assert_false(key_is_let_in(k, &server));
    assert_false(key_is_let_in(k, &second));
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'todavía yo'"), 0);
    assert_true(sql_long(&server, "select count(*) from road.audit where key = %ld and error = 'key_revoked'", k->id) >=
                3);
    peer_close(here);
    peer_close(there);
}

static void a_revoked_key_is_refused_on_its_next_message(void **state)
{
    (void)state;
    struct keys k = world_person(&server, "inm", "se-va", "{planner}", "{}");
    void *here = peer_open(&server, &k), *there = peer_open(&second, &k);
    assert_reply(asked(here, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before, here");
    assert_reply(asked(there, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_OK, NULL, "before, there");
    key_revoke(&k);
    assert_shut_out(here, there, &k, "revoked");
}

static void whoever_was_welcome_once_is_noted_at_the_door_but_not_for_ever(void **state)
{
    enum { TRIES = 14, NOTED = 10 };
    (void)state;
    struct keys k = world_person(&server, "inm", "vuelve", "{auditor}", "{}");
    key_revoke(&k);
    for (int n = 1; n <= TRIES; n++) {
        assert_false(key_is_let_in(&k, &server));
        assert_int_equal(sql_long(&server,
                                  "select count(*) from road.audit where key = %ld and op = 'connect' and institution ="
                                  " 'inm' and who = 'vuelve' and outcome = 'denied' and roles = '{auditor}'",
                                  k.id),
                         n < NOTED ? n : NOTED);
    }
}

static void an_answer_given_before_is_not_given_to_a_revoked_key(void **state)
{
    uint8_t id[PEER_ID];
    (void)state;
    struct keys k = world_person(&server, "inm", "preguntaba", "{planner}", "{}");
    void *peer = peer_open(&server, &k);
    id_make(id);
    report(peer, "inm/2023/2", id, 25, "antes");
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "before");
    key_revoke(&k);
    report(peer, "inm/2023/2", id, 25, "antes");
    hear(peer, &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_DENIED, "key_revoked", "the same again");
    peer_close(peer);
}

static Mejora__Outcome join(void *peer)
{
    Mejora__JoinRequest m = MEJORA__JOIN_REQUEST__INIT;
    struct keys own;
    uint8_t raw[32];
    zmq_curve_keypair(own.public, own.secret);
    zmq_z85_decode(raw, own.public);
    m.has_public_key = 1;
    m.public_key = (ProtobufCBinaryData){32, raw};
    ask(peer, "join", NULL, NULL, &m.base);
    hear(peer, &r);
    return r.outcome;
}

static void an_invitation_is_good_for_one_key(void **state)
{
    (void)state;
    world_person(&server, "inm", "invitada", "{viewer}", "{}");
    struct keys k = world_key(&server, "inm", "invitada", "invitation");
    void *here = peer_open(&server, &k), *there = peer_open(&second, &k);
    assert_reply(asked(there, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_DENIED, "role_denied",
                 "all it may do is join");
    assert_int_equal(join(here), MEJORA__OUTCOME__OUTCOME_OK);
    assert_int_equal(join(here), MEJORA__OUTCOME__OUTCOME_DENIED);
    assert_shut_out(here, there, &k, "used");
    assert_int_equal(sql_long(&server, "select count(*) from road.key k join mejora.person p on p.id = k.person"
                                       " where p.code = 'invitada' and k.kind = 'person'"),
                     2);
}

static void an_expired_invitation_is_good_for_none(void **state)
{
    (void)state;
    world_person(&server, "inm", "tarde", "{viewer}", "{}");
    struct keys k = world_key(&server, "inm", "tarde", "invitation");
    void *here = peer_open(&server, &k), *there = peer_open(&second, &k);
    assert_reply(asked(here, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_DENIED, "role_denied", "in time");
    assert_reply(asked(there, "whoami", NULL, NULL), MEJORA__OUTCOME__OUTCOME_DENIED, "role_denied", "in time");
    sql(&server, "update road.key set expires_at = now() where id = %ld", k.id);
    assert_int_equal(join(here), MEJORA__OUTCOME__OUTCOME_DENIED);
    assert_shut_out(here, there, &k, "expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_speaks_something_else_is_hung_up_on),
        cmocka_unit_test(who_has_no_key_of_ours_is_not_let_in),
        cmocka_unit_test(another_number_of_frames_is_answered_as_malformed),
        cmocka_unit_test(garbage_without_end_is_answered_and_not_all_of_it_noted),
        cmocka_unit_test(a_revoked_key_is_refused_on_its_next_message),
        cmocka_unit_test(whoever_was_welcome_once_is_noted_at_the_door_but_not_for_ever),
        cmocka_unit_test(an_answer_given_before_is_not_given_to_a_revoked_key),
        cmocka_unit_test(an_invitation_is_good_for_one_key),
        cmocka_unit_test(an_expired_invitation_is_good_for_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
