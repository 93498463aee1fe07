/* Several servers seal one log, are killed in the middle of it, and find it changed when they come back: every entry is in the tree
 * once, in the order in which it may be, every checkpoint is of what was there, and what was cut off is not continued. */
#include "common/checkpoint.h"
#include "common/clock.h"
#include "tests/support/lib/load.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CYCLES = 4, BULK = 5000, WAIT_MS = 60000 };

static struct mejorad home, second;
static struct load *load;

/* Servers that share a database share the key. */
static void share_key(void)
{
    char from[96], to[96];
    mejorad_beside(&second, &home, NULL);
    mejorad_stop(&second);
    snprintf(from, sizeof from, "%s/audit.key", home.data);
    snprintf(to, sizeof to, "%s/audit.key", second.data);
    assert_int_equal(unlink(to), 0);
    assert_int_equal(link(from, to), 0);
}

static int start(void **state)
{
    (void)state;
    mejorad_start(&home, NULL);
    world_make(&home);
    share_key();
    load = load_new(&second);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    load_free(load);
    peers_end();
    database_close();
    mejorad_remove(&second);
    mejorad_remove(&home);
    return 0;
}

/* Each question waits for its answer. */
static void wait_sealed(void)
{
    int64_t until = clock_ms() + WAIT_MS;
    while (sql_long(&home, "select (select count(*) from road.audit) - coalesce(max(size), 0) from road.checkpoint"))
        if (clock_ms() > until)
            fail_msg("entries are not sealed: %s", sql(&home, "select max(size) from road.checkpoint"));
}

static size_t bytes_of(const char *hex, uint8_t *ret, size_t room)
{
    size_t n = 0;
    assert_int_equal(sodium_hex2bin(ret, room, hex + 2, strlen(hex + 2), NULL, &n, NULL), 0);
    return n;
}

/* The tree once more from the entries themselves, against every checkpoint. */
static void check_tree(void)
{
    struct log_key key;
    struct checkpoint c;
    struct tree t = {0};
    uint8_t hash[TREE_HASH], root[TREE_HASH];
    PGconn *pg = database(&home);
    assert_true(log_key_read(sql(&home, "select lib.log_key()"), &key));
    PGresult *leaves = PQexec(pg, "select l.leaf, sha256('\\x00' || lib.audit_bytes(a)), c.note from road.leaf l"
                                  " join road.audit a using (seq) left join road.checkpoint c on c.size = l.leaf + 1"
                                  " order by l.leaf");
    assert_int_equal(PQntuples(leaves), sql_long(&home, "select count(*) from road.audit"));
    for (int i = 0; i < PQntuples(leaves); i++) {
        assert_int_equal(strtol(PQgetvalue(leaves, i, 0), NULL, 10), i);
        assert_int_equal(bytes_of(PQgetvalue(leaves, i, 1), hash, sizeof hash), sizeof hash);
        assert_true(tree_add(&t, 0, hash, NULL, NULL));
        if (PQgetisnull(leaves, i, 2))
            continue;
        tree_root(&t, root);
        assert_true(checkpoint_read(PQgetvalue(leaves, i, 2), &key, &c));
        assert_int_equal(c.size, t.size);
        assert_memory_equal(c.root, root, sizeof root);
    }
    PQclear(leaves);
}

static void bulk(int n)
{
    sql(&home,
        "insert into road.audit (institution, op, outcome, why) select 'inm', 'whoami', 'ok', 'n ' || n"
        " from generate_series(1, %d) n returning 1",
        n);
}

/* As the entries and the checkpoints tell it themselves; who commits is not who measures. One at a time: each waits for a sealer that has
 * nothing to do. */
static void an_entry_is_sealed_within_a_second_of_its_commit(void **state)
{
    (void)state;
    wait_sealed();
    long last = sql_long(&home, "select max(seq) from road.audit");
    for (int i = 0; i < 5; i++) {
        bulk(1);
        wait_sealed();
    }
    double took = strtod(sql(&home,
                             "select percentile_cont(0.5) within group (order by extract(epoch from c.at - a.at))"
                             " from road.audit a join road.leaf l using (seq), lateral (select min(c.at) as at"
                             " from road.checkpoint c where c.size > l.leaf) c where a.why = 'n 1' and a.seq > %ld",
                             last),
                         NULL);
    assert_true(took > 0 && took <= 1);
}

/* One has the lock, and it is killed now and then; a transaction is larger than a batch. */
static void killed_in_the_middle(void **state)
{
    (void)state;
    for (int i = 0; i < CYCLES; i++) {
        mejorad_run(&second, NULL);
        load_connect(load);
        assert_true(load_run(load, 100));
        bulk(BULK);
        assert_true(load_run(load, 50 + (int)randombytes_uniform(200)));
        mejorad_kill(&second);
        load_drain(load);
        load_disconnect(load);
    }
    wait_sealed();
    check_tree();
    mejorad_run(&second, NULL);
    load_connect(load);
    load_settle(load);
    load_check(load);
}

/* Without a key of its own it would seal another log. */
static void another_key(void **state)
{
    struct mejorad third;
    (void)state;
    mejorad_beside(&third, &home, NULL);
    mejorad_wait_said(&third, "signed with another key", 1);
    mejorad_remove(&third);
}

/* Sealing waits for who began earlier; who writes waits for nobody. */
static void a_transaction_stays_open(void **state)
{
    PGconn *open = database_connect(&home, "postgres");
    (void)state;
    PQclear(PQexec(open, "begin"));
    PGresult *r =
        PQexec(open, "insert into road.audit (institution, op, outcome) values ('inm', 'whoami', 'ok') returning seq");
    long seq = strtol(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    long before = sql_long(&home, "select max(seq) from road.audit");
    assert_true(load_run(load, 200));
    assert_int_equal(sql_long(&home, "select count(*) from road.leaf where seq > %ld", before), 0);
    PQclear(PQexec(open, "commit"));
    PQfinish(open);
    wait_sealed();
    check_tree();
    assert_int_equal(sql_long(&home,
                              "select count(*) from road.leaf l where l.seq > %ld and l.leaf < (select leaf from"
                              " road.leaf where seq = %ld)",
                              before, seq),
                     0);
}

/* As a superuser: the end goes, while nobody runs who remembers it. */
static void cut_off_while_away(void **state)
{
    char file[96];
    (void)state;
    wait_sealed();
    load_disconnect(load);
    mejorad_stop(&second);
    sql(&home, "select set_config('session_replication_role', 'replica', false)");
    sql(&home, "with cut as (select size from road.checkpoint order by size limit 1 offset 2), gone as"
               " (delete from road.leaf where leaf >= (select size from cut) returning seq), entries as (delete from"
               " road.audit where seq in (select seq from gone)) delete from road.checkpoint where size >"
               " (select size from cut) returning 1");
    database_close();
    mejorad_stop(&home);
    mejorad_run(&home, NULL);
    bulk(1);
    mejorad_wait_said(&home, "the log is not what was signed", 1);
    assert_int_equal(
        sql_long(&home, "select (select count(*) from road.audit) - (select max(size) from road.checkpoint)"), 1);

    snprintf(file, sizeof file, "%s/audit.checkpoint", home.data);
    assert_int_equal(unlink(file), 0);
    database_close();
    mejorad_stop(&home);
    mejorad_run(&home, NULL);
    wait_sealed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_sealed_within_a_second_of_its_commit),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(another_key),
        cmocka_unit_test(a_transaction_stays_open),
        cmocka_unit_test(cut_off_while_away),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
