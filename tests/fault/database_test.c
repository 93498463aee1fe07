/* PostgreSQL in trouble: what one request does to the database costs nobody else, somebody's lock is answered with BUSY, and
 * whoever was under way when it died is answered all the same. */
#include "action.pb-c.h"
#include "tests/support/lib/death.h"
#include "tests/support/lib/load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ASKERS = 20, POISONED = 5, WRITES = 760 };

static struct mejorad server;
static struct load *load;
static void *peers[ASKERS];
static struct reply r;

static int start(void **state)
{
    (void)state;
    mejorad_start(&server, NULL);
    world_make(&server);
    load = load_new(&server);
    for (int i = 0; i < ASKERS; i++) {
        char code[24];
        snprintf(code, sizeof code, "planifica-%d", i);
        struct keys k = world_person(&server, "inm", code, "{planner}", "{}");
        peers[i] = peer_open(&server, &k);
    }
    sql(&server, "create function public.poison() returns trigger language plpgsql as $$ begin"
                 " if new.why = 'veneno' then perform 1 / 0; end if; return new; end $$");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    load_free(load);
    peers_end();
    mejorad_remove(&server);
    return 0;
}

/* ---- poison ---- */

static const struct {
    const char *where, *trigger;
} poisons[] = {
    {"in a statement", "create trigger poison before insert on mejora.progress for each row execute function poison()"},
    {"at the commit", "create constraint trigger poison after insert on mejora.progress deferrable initially deferred"
                      " for each row execute function poison()"},
};

static void one_of_twenty_fails_alone(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof poisons / sizeof *poisons; t++) {
        uint8_t poisoned[PEER_ID];
        long before = sql_long(&server, "select count(*) from mejora.progress"),
             audited = sql_long(&server, "select count(*) from road.audit");
        id_make(poisoned);
        sql(&server, "%s", poisons[t].trigger);
        for (int i = 0; i < ASKERS; i++) {
            char ref[32];
            snprintf(ref, sizeof ref, "inm/2023/%d", i + 1);
            report(peers[i], ref, i == POISONED ? poisoned : NULL, 25, i == POISONED ? "veneno" : "sano");
        }
        for (int i = 0; i < ASKERS; i++) {
            hear(peers[i], &r);
            assert_reply(&r, i == POISONED ? MEJORA__OUTCOME__OUTCOME_INTERNAL : MEJORA__OUTCOME__OUTCOME_OK, NULL,
                         poisons[t].where);
        }
        sql(&server, "drop trigger poison on mejora.progress");
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + ASKERS - 1);
        assert_int_equal(sql_long(&server, "select count(*) from road.audit where outcome = 'ok'"),
                         audited + ASKERS - 1);
        report(peers[POISONED], "inm/2023/6", poisoned, 25,
               "veneno"); /* nothing was kept of it, so the id is still good */
        hear(peers[POISONED], &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, poisons[t].where);
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress"), before + ASKERS);
    }
}

/* ---- a lock ---- */

static void somebody_elses_lock_is_answered_busy(void **state)
{
    (void)state;
    uint8_t id[PEER_ID];
    id_make(id);
    PGconn *psql = database_connect(&server, "postgres");
    PQclear(PQexec(psql, "begin"));
    PQclear(PQexec(psql, "lock table mejora.progress in access exclusive mode"));
    report(peers[0], "inm/2023/1", id, 50, "espera");
    hear(peers[0], &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_BUSY, "busy", "a report that has to wait");
    PQclear(PQexec(psql, "rollback"));
    PQfinish(psql);
    report(peers[0], "inm/2023/1", id, 50, "espera");
    hear(peers[0], &r);
    assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, "the same when the lock is gone");
    assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = 'espera'"), 1);
}

/* ---- what passes, and what does not ---- */

static const struct {
    const char *what, *code;
    int times; /* then it is good */
    Mejora__Outcome outcome;
    const char *error;
} failures[] = {
    {"a serialization failure", "40001", 3, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"a deadlock", "40P01", 3, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"a deadlock again and again", "40P01", 1000, MEJORA__OUTCOME__OUTCOME_BUSY, "busy"},
    {"a full disk", "53100", 1000, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable"},
    {"no memory", "53200", 1000, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable"},
    {"a statement that took too long", "57014", 1000, MEJORA__OUTCOME__OUTCOME_BUSY, "busy"},
    {"a database that has become a standby", "25006", 1, MEJORA__OUTCOME__OUTCOME_OK, NULL},
    {"a page that cannot be read", "XX001", 1000, MEJORA__OUTCOME__OUTCOME_INTERNAL, "internal"},
};

/* Each fails so often in the database itself; the neighbours in its batch never do. */
static void what_may_pass_is_tried_again_and_what_does_not_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        char why[32];
        snprintf(why, sizeof why, "falla %zu", i);
        sql(&server,
            "create sequence public.failed; grant usage on public.failed to public;"
            "create function public.fail() returns trigger language plpgsql as $$ begin"
            " if new.why = '%s' and nextval('public.failed') <= %d then raise exception using errcode = '%s'; end if;"
            " return new; end $$;"
            "create trigger fail before insert on mejora.progress for each row execute function fail()",
            why, failures[i].times, failures[i].code);
        for (int n = 0; n < ASKERS; n++) {
            char ref[32];
            snprintf(ref, sizeof ref, "inm/2023/%d", n + 1);
            report(peers[n], ref, NULL, 25, n == POISONED ? why : "sano");
        }
        for (int n = 0; n < ASKERS; n++) {
            hear(peers[n], &r);
            assert_reply(&r, n == POISONED ? failures[i].outcome : MEJORA__OUTCOME__OUTCOME_OK,
                         n == POISONED ? failures[i].error : NULL, failures[i].what);
        }
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = '%s'", why),
                         failures[i].outcome == MEJORA__OUTCOME__OUTCOME_OK);
        sql(&server, "drop trigger fail on mejora.progress; drop function public.fail; drop sequence public.failed");
    }
}

/* ---- a database that lets nobody in ---- */

static PGconn *crowd[200];

static void no_room(bool begins)
{
    int n = 0;
    for (; begins && n < 200; n++) {
        if (PQstatus(crowd[n]) == CONNECTION_OK)
            continue;
        PQfinish(crowd[n]);
        crowd[n] = database_try(&server, "postgres");
        if (PQstatus(crowd[n]) != CONNECTION_OK)
            break;
    }
    for (n = 0; !begins && n < 200; n++) {
        PQfinish(crowd[n]);
        crowd[n] = NULL;
    }
}

static void nobody_may(bool begins)
{
    sql(&server,
        begins ? "copy (select) to program 'cat; cp pg_hba.conf ../hba.kept; echo local all all reject >pg_hba.conf';"
                 "select pg_reload_conf()"
               : "copy (select) to program 'cat; mv ../hba.kept pg_hba.conf'; select pg_reload_conf()");
}

static void only_reading(bool begins)
{
    sql(&server, "alter system set default_transaction_read_only = %s", begins ? "on" : "off");
    sql(&server, "select pg_reload_conf()");
}

static const struct {
    const char *what;
    void (*turn)(bool begins);
} closures[] = {
    {"all connections taken", no_room},
    {"a role that may not connect", nobody_may},
    {"a standby", only_reading},
};

/* The superuser's own connection is there before. Nobody waits long for a database that is away, and when it is back nobody
 * has to be told. */
static void a_database_that_lets_nobody_in_is_unavailable(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof closures / sizeof *closures; i++) {
        uint8_t id[PEER_ID];
        id_make(id);
        sql(&server, "select 1");
        closures[i].turn(true);
        do { /* in the places of those that are ended */
            sql(&server, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mejorad'");
            if (closures[i].turn == no_room)
                no_room(true);
        } while (closures[i].turn == no_room &&
                 sql_long(&server, "select count(*) from pg_stat_activity where application_name = 'mejorad'"));
        report(peers[0], "inm/2023/1", id, 25, closures[i].what);
        hear(peers[0], &r);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_UNAVAILABLE, "database_unavailable", closures[i].what);
        closures[i].turn(false);
        do {
            report(peers[0], "inm/2023/1", id, 25, closures[i].what);
            hear(peers[0], &r);
        } while (r.outcome == MEJORA__OUTCOME__OUTCOME_UNAVAILABLE);
        assert_reply(&r, MEJORA__OUTCOME__OUTCOME_OK, NULL, closures[i].what);
        assert_int_equal(sql_long(&server, "select count(*) from mejora.progress where why = '%s'", closures[i].what),
                         1);
    }
}

/* ---- a disk that lies, and one that is full ---- */

/* strace fails the first so many of these calls of the backend that writes. */
static const struct {
    const char *what, *inject;
} disks[] = {
    {"EIO at the WAL's fdatasync", "inject=fdatasync:error=EIO:when=1"},
    {"ENOSPC at the WAL's write", "inject=pwrite64:error=ENOSPC:when=1"},
};

/* Returns when it holds the backend that writes; 0: this machine lets nobody trace. */
static pid_t strace_writer(const char *inject)
{
    char pid[16], line[256];
    int said[2];
    bool attached = false;
    snprintf(pid, sizeof pid, "%d", death_writer(&server));
    assert_int_equal(pipe2(said, O_CLOEXEC), 0);
    pid_t tracer = fork();
    if (tracer == 0) {
        if (dup2(said[1], 2) == 2)
            execlp("strace", "strace", "-p", pid, "-o", "/dev/null", "-e", inject, NULL);
        _exit(127);
    }
    close(said[1]);
    FILE *f = fdopen(said[0], "r");
    while (!attached && fgets(line, sizeof line, f))
        attached = strstr(line, "attached") != NULL;
    fclose(f);
    if (!attached)
        waitpid(tracer, NULL, 0);
    return attached ? tracer : 0;
}

static int panics(void)
{
    char path[96], line[1024];
    int n = 0;
    snprintf(path, sizeof path, "%s/postgresql.log", server.data);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, "PANIC:") != NULL;
    fclose(f);
    return n;
}

/* PostgreSQL panics rather than acknowledge what may not be on disk, and recovers; nothing of it is lost or doubled. */
static void what_the_disk_does_not_take_is_not_acknowledged(void **state)
{
    (void)state;
    load_connect(load);
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        assert_true(load_run(load, 50));
        pid_t tracer = strace_writer(disks[i].inject);
        if (!tracer)
            skip();
        assert_true(load_run(load, 300));
        kill(tracer, SIGTERM);
        waitpid(tracer, NULL, 0);
        database_close();
        load_settle(load);
        load_repeat(load, 20);
    }
    load_check(load);
    assert_true(panics() > 0);
}

/* ---- death ---- */

/* The supervisor starts PostgreSQL again; the same ids bring what was told to ask again to its end. */
static void everybody_is_answered_whatever_happens_to_postgresql(void **state)
{
    (void)state;
    load_connect(load);
    for (int i = DEATH_BACKEND; i < DEATHS; i++) {
        print_message("# %s\n", death_names[i]);
        assert_true(load_run(load, WRITES / 5));
        death_now(&server, (enum death)i);
        assert_true(load_run(load, WRITES / 5));
        load_settle(load);
        load_repeat(load, 20);
    }
    load_check(load);
    assert_true(load->acked >= WRITES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_twenty_fails_alone),
        cmocka_unit_test(somebody_elses_lock_is_answered_busy),
        cmocka_unit_test(what_may_pass_is_tried_again_and_what_does_not_is_told),
        cmocka_unit_test(a_database_that_lets_nobody_in_is_unavailable),
        cmocka_unit_test(what_the_disk_does_not_take_is_not_acknowledged),
        cmocka_unit_test(everybody_is_answered_whatever_happens_to_postgresql),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
