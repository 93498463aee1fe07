#include "server/seal.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/codec.h"
#include "server/db.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVERY_MS = 500, BATCH = 2000, ARENA = 1 << 20, PART = 10 };

/* ---- the key ---- */

/* 0, 1: there is none, -1: logged. */
static int secret_read(const char *path, uint8_t secret[64])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return 1;
    bool ok = fd >= 0 && !fstat(fd, &st) && !(st.st_mode & 077) && read(fd, secret, 64) == 64;
    if (fd >= 0)
        close(fd);
    if (!ok)
        log_line(LOG_ERROR, "seal: %s cannot be read, can be read by others, or is not a key file", path);
    return ok ? 0 : -1;
}

/* Whole or not at all, and never over one that is there: two servers may start in one directory. */
static int secret_make(const char *path, uint8_t secret[64])
{
    char fresh[4096];
    uint8_t public_key[32];
    if (snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid()) >= (int)sizeof fresh)
        return -1;
    crypto_sign_keypair(public_key, secret);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && write(fd, secret, 64) == 64 && !fsync(fd);
    if (fd >= 0)
        close(fd);
    ok = ok && (!link(fresh, path) || errno == EEXIST);
    if (!ok)
        log_line(LOG_ERROR, "seal: %s cannot be written: %s", path, strerror(errno));
    unlink(fresh);
    return ok ? secret_read(path, secret) : -1;
}

static int key_open(struct seal *s)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/audit.key", s->state) >= (int)sizeof path)
        return -1;
    int found = secret_read(path, s->secret);
    if (found > 0)
        found = secret_make(path, s->secret);
    return found;
}

static bool last_path(const struct seal *s, const char *end, char ret[4096])
{
    return snprintf(ret, 4096, "%s/audit.checkpoint%s", s->state, end) < 4096;
}

/* Not waited for until it is on disk: after a power cut an older one is as good. */
static void last_write(const struct seal *s, const char *note)
{
    char path[4096], fresh[4096], key[LOG_KEY_TEXT];
    log_key_text(&s->key, key);
    FILE *f = last_path(s, "", path) && last_path(s, ".new", fresh) ? fopen(fresh, "we") : NULL;
    bool ok = f && fprintf(f, "%s\n%s", key, note) > 0;
    ok = f && !fclose(f) && ok && !rename(fresh, path);
    if (!ok)
        log_line(LOG_WARNING, "seal: %s cannot be written: %s", path, strerror(errno));
}

/* What was signed before this start. Empty: a power cut was faster. */
static bool last_read(struct seal *s)
{
    char path[4096], text[LOG_KEY_TEXT + CHECKPOINT_TEXT];
    FILE *f = last_path(s, "", path) ? fopen(path, "re") : NULL;
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    char *note = text;
    strsep(&note, "\n");
    bool ok = !n || (note && checkpoint_read(note, &s->key, &s->last));
    if (!ok)
        log_line(LOG_ERROR, "seal: %s is not a checkpoint of this log, so this server does not seal", path);
    return ok;
}

/* Registers the key for a database that has none. 1: it is this log's, 0: try again, -1: it is not, and logged. */
static int log_open(struct seal *s, PGconn *pg)
{
    char text[LOG_KEY_TEXT], hex[2 + 64 + 1] = "\\x";
    uint8_t public_key[32];
    crypto_sign_ed25519_sk_to_pk(public_key, s->secret);
    sodium_bin2hex(hex + 2, sizeof hex - 2, public_key, sizeof public_key);
    const char *values[] = {hex};
    PQclear(db_run(
        pg,
        "insert into road.log (origin, public_key) values ('mejora/' || gen_random_uuid(), $1) on conflict do nothing",
        1, values));
    PGresult *r = db_run(pg, "select lib.log_key()", 0, NULL);
    bool ok = r && log_key_read(PQgetvalue(r, 0, 0), &s->key);
    PQclear(r);
    if (!ok)
        return 0;
    ok = !memcmp(s->key.public_key, public_key, sizeof public_key);
    log_key_text(&s->key, text);
    if (ok)
        log_line(LOG_INFO, "seal: key=%s", text);
    else
        log_line(LOG_ERROR,
                 "seal: this database's log is signed with another key, so this server does not seal: give it the"
                 " audit.key of the server that does");
    return ok && last_read(s) ? 1 : -1;
}

/* ---- a batch ---- */

static bool bytes_at(const PGresult *r, int row, int column, uint8_t *ret, size_t room, size_t *ret_size)
{
    const char *hex = PQgetvalue(r, row, column);
    return !strncmp(hex, "\\x", 2) && !sodium_hex2bin(ret, room, hex + 2, strlen(hex + 2), NULL, ret_size, NULL);
}

/* Is what this server signed last the beginning of this? Others may have gone on from there. */
static bool continues(const struct seal *s, PGconn *pg, const struct checkpoint *now)
{
    char size[24];
    uint8_t root[TREE_HASH];
    size_t n;
    if (now->size <= s->last.size)
        return now->size == s->last.size && (!now->size || !memcmp(now->root, s->last.root, TREE_HASH));
    if (!s->last.size)
        return true;
    snprintf(size, sizeof size, "%" PRIu64, s->last.size);
    const char *values[] = {size};
    PGresult *r = db_run(pg, "select lib.tree_hash(0, $1)", 1, values);
    bool ok = r && bytes_at(r, 0, 0, root, sizeof root, &n) && !memcmp(root, s->last.root, TREE_HASH);
    PQclear(r);
    return ok;
}

/* The tree as it was signed last; false: not to be continued, and logged. */
static bool tree_load(struct seal *s, PGconn *pg, struct tree *ret)
{
    struct checkpoint last = {0};
    struct tree t = {0};
    uint8_t edge[TREE_LEVELS * TREE_HASH], root[TREE_HASH];
    size_t size = 0;
    PGresult *r = db_run(
        pg, "select note, lib.tree_span(0, size), size from road.checkpoint order by size desc limit 1", 0, NULL);
    bool any = r && PQntuples(r), ok = r;
    if (any)
        ok = checkpoint_read(PQgetvalue(r, 0, 0), &s->key, &last) && bytes_at(r, 0, 1, edge, sizeof edge, &size) &&
             size == (size_t)__builtin_popcountll(last.size) * TREE_HASH;
    const uint8_t *next = edge;
    for (unsigned level = TREE_LEVELS; ok && any && level-- > 0;)
        if (last.size >> level & 1) {
            ok = tree_add(&t, level, next, NULL, NULL);
            next += TREE_HASH;
        }
    tree_root(&t, root);
    ok = ok && (!any || !memcmp(root, last.root, sizeof root)) && continues(s, pg, &last);
    if (r && !ok && !s->broken) /* once: it stays so until somebody has looked */
        log_line(LOG_ERROR,
                 "seal: the log is not what was signed (size=%" PRIu64 ", seen=%" PRIu64 "): nothing is sealed",
                 last.size, s->last.size);
    s->broken = r && !ok;
    PQclear(r);
    *ret = t;
    return ok;
}

/* The entries' numbers, institutions and nodes, one array after the other; they come in binary form and are sent on so. */
static bool leaves_make(const PGresult *r, struct tree *t, struct slice *ret, struct arena *mem)
{
    uint8_t closed[TREE_LEVELS][TREE_HASH];
    int n = PQntuples(r);
    for (int row = 0; row < n; row++) {
        size_t levels;
        if (PQgetlength(r, row, 2) != TREE_HASH ||
            !tree_add(t, 0, (const uint8_t *)PQgetvalue(r, row, 2), closed, &levels))
            return false;
        void *nodes = arena_alloc(mem, levels * TREE_HASH);
        if (!nodes)
            return false;
        ret[row] = (struct slice){PQgetvalue(r, row, 0), PQgetlength(r, row, 0)};
        ret[n + row] = (struct slice){PQgetvalue(r, row, 1), PQgetlength(r, row, 1)};
        ret[2 * n + row] = (struct slice){memcpy(nodes, closed, levels * TREE_HASH), (int)(levels * TREE_HASH)};
    }
    return true;
}

static bool leaves_insert(PGconn *pg, const PGresult *entries, struct tree *t)
{
    static const char sql[] =
        "insert into road.leaf (leaf, seq, about, nodes) select $1::bigint + u.n - 1, u.seq, u.about, u.nodes"
        " from unnest($2::bigint[], $3::text[], $4::bytea[]) with ordinality u (seq, about, nodes, n)";
    static const Oid types[] = {20, 25, 17}; /* bigint, text, bytea */
    struct arena mem;
    arena_init(&mem, ARENA);
    size_t n = (size_t)PQntuples(entries);
    struct slice values[4] = {slice_i64((int64_t)t->size, &mem)}, *columns = arena_alloc(&mem, 3 * n * sizeof *columns);
    bool ok = values[0].data && columns && leaves_make(entries, t, columns, &mem);
    for (size_t i = 0; i < 3; i++)
        ok = ok && array_make(columns + i * n, n, types[i], &mem, &values[1 + i]);
    PGresult *r = ok ? db_run_binary(pg, sql, 4, values) : NULL;
    arena_free(&mem);
    ok = r;
    PQclear(r);
    return ok;
}

static bool checkpoint_insert(struct seal *s, PGconn *pg, const struct tree *t, const char *xid, struct checkpoint *ret,
                              char note[CHECKPOINT_TEXT])
{
    char size[24];
    ret->size = t->size;
    tree_root(t, ret->root);
    checkpoint_sign(ret, &s->key, s->secret, note);
    snprintf(size, sizeof size, "%" PRIu64, t->size);
    const char *values[] = {size, xid, note};
    PGresult *r = db_run(pg, "insert into road.checkpoint (size, xid, note) values ($1, $2, $3)", 3, values);
    bool ok = r;
    PQclear(r);
    return ok;
}

/* What is committed and not yet sealed, up to a batch of it; how many, or -1. In a transaction. */
static int batch(struct seal *s, PGconn *pg, struct checkpoint *ret, char note[CHECKPOINT_TEXT])
{
    const struct slice limit = {&(uint32_t){htobe32(BATCH)}, sizeof(uint32_t)};
    struct tree t;
    PGresult *r = db_run(
        pg, "select set_config('mejora.institution', '*', true), pg_try_advisory_xact_lock(hashtext('mejora.seal'))", 0,
        NULL);
    bool mine = r && *PQgetvalue(r, 0, 1) == 't', ok = r;
    PQclear(r);
    if (!mine)
        return ok ? 0 : -1;
    r = db_run_binary(pg, "select seq, institution, hash, xid::text from lib.unsealed($1)", 1, &limit);
    int n = r ? PQntuples(r) : -1;
    if (n > 0 && !(tree_load(s, pg, &t) && leaves_insert(pg, r, &t) &&
                   checkpoint_insert(s, pg, &t, PQgetvalue(r, n - 1, 3), ret, note)))
        n = -1;
    PQclear(r);
    return n;
}

static int pass(struct seal *s, PGconn *pg)
{
    struct checkpoint c;
    char note[CHECKPOINT_TEXT];
    PQclear(db_run(pg, "begin", 0, NULL));
    int n = batch(s, pg, &c, note);
    PGresult *r = db_run(pg, n < 0 ? "rollback" : "commit", 0, NULL);
    if (r && n > 0) {
        s->last = c;
        last_write(s, note);
    }
    PQclear(r);
    return n;
}

/* What is sealed is marked for questions (sql/lib/search.sql), with no more than a tenth of one core: who writes goes first. */
static void mark(struct seal *s, PGconn *pg)
{
    int64_t begun = clock_ms();
    if (begun < s->mark_after)
        return;
    PQclear(db_run(pg, "select lib.audit_index(256, 4096), lib.audit_close(500, 50)", 0, NULL));
    s->mark_after = clock_ms() + (PART - 1) * (clock_ms() - begun);
}

static void *run(void *arg)
{
    struct seal *s = arg;
    struct pollfd stop = {.fd = s->wake, .events = POLLIN};
    PGconn *pg = db_connect(s->conninfo, false);
    int open = 0, n = 0;
    while (poll(&stop, 1, n == BATCH ? 0 : EVERY_MS) == 0) {
        if (PQstatus(pg) != CONNECTION_OK)
            PQreset(pg);
        n = 0;
        if (open >= 0 && PQstatus(pg) == CONNECTION_OK && (open || (open = log_open(s, pg))) && open > 0)
            n = pass(s, pg);
        if (PQstatus(pg) == CONNECTION_OK)
            hints_tell(s->hints, pg);
        if (n >= 0 && open > 0 && PQstatus(pg) == CONNECTION_OK)
            mark(s, pg);
    }
    PQfinish(pg);
    return NULL;
}

int seal_start(struct seal *s)
{
    if (key_open(s))
        return -1;
    s->wake = eventfd(0, EFD_CLOEXEC);
    s->started = s->wake >= 0 && pthread_create(&s->thread, NULL, run, s) == 0;
    if (!s->started)
        log_line(LOG_ERROR, "seal: cannot start");
    return s->started ? 0 : -1;
}

void seal_stop(struct seal *s)
{
    if (!s->started)
        return;
    eventfd_write(s->wake, 1);
    pthread_join(s->thread, NULL);
    close(s->wake);
    sodium_memzero(s->secret, sizeof s->secret);
}
