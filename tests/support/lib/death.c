#include "tests/support/lib/death.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

const char *const death_names[DEATHS] = {
    [DEATH_SERVER] = "kill -9 of the server",         [DEATH_BACKEND] = "kill -9 of the backend that writes",
    [DEATH_POSTMASTER] = "kill -9 of the postmaster", [DEATH_IMMEDIATE] = "immediate stop of PostgreSQL",
    [DEATH_FAST] = "fast stop of PostgreSQL",         [DEATH_SESSIONS] = "all connections terminated",
};

/* The statement writes the change, then the request's row, then the audit entry; what follows is the COMMIT. */
static const char *const places[PLACES] = {
    [PLACE_CHANGE] = "after insert on mejora.progress",
    [PLACE_REQUEST] = "before insert on road.request",
    [PLACE_AUDIT] = "before insert on road.audit",
    [PLACE_END] = "after insert on road.audit",
};
const char *const place_names[PLACES] = {
    [PLACE_CHANGE] = "the change is written",
    [PLACE_REQUEST] = "the request's row is next",
    [PLACE_AUDIT] = "the audit entry is next",
    [PLACE_END] = "all is written and the COMMIT is next",
};

pid_t death_writer(const struct mejorad *m)
{
    pid_t pid = (pid_t)sql_long(m, "select pid from pg_stat_activity where application_name = 'mejorad' and query like"
                                   " 'with r %%' order by state = 'active' desc, query_start desc nulls last limit 1");
    assert_true(pid > 1);
    return pid;
}

void death_now(struct mejorad *m, enum death death)
{
    switch (death) {
    case DEATH_SERVER: mejorad_kill(m); break;
    case DEATH_BACKEND: kill(death_writer(m), SIGKILL); break;
    case DEATH_POSTMASTER: kill(database_postmaster(m), SIGKILL); break;
    case DEATH_IMMEDIATE: kill(database_postmaster(m), SIGQUIT); break;
    case DEATH_FAST: kill(database_postmaster(m), SIGINT); break;
    default: sql(m, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mejorad'");
    }
    database_close();
}

/* The file says that it has not happened yet: what a sequence has counted may be forgotten in the crash. */
static const char trigger[] =
    "create sequence if not exists public.writes;"
    "alter sequence public.writes restart;"
    "copy (select) to program 'cat; touch ordered';"
    "create or replace function public.die() returns trigger language plpgsql security definer"
    " as $$ begin if nextval('public.writes') = %d then"
    " copy (select) to program 'cat; if rm ordered; then kill -%d %s; fi'; end if;"
    " return new; end $$;"
    "create trigger die %s for each row execute function public.die()";

void death_order(const struct mejorad *m, enum death death, enum place place, int n)
{
    char whom[64] = "$PPID";
    if (death == DEATH_SERVER)
        snprintf(whom, sizeof whom, "%d", m->pid);
    else if (death != DEATH_BACKEND)
        snprintf(whom, sizeof whom, "$(head -n 1 postmaster.pid)");
    death_forget(m);
    sql(m, trigger, n, death == DEATH_IMMEDIATE ? SIGQUIT : SIGKILL, whom, places[place]);
    database_close();
}

bool death_came(const struct mejorad *m)
{
    char path[96];
    snprintf(path, sizeof path, "%s/postgresql/ordered", m->data);
    return access(path, F_OK) != 0;
}

void death_forget(const struct mejorad *m)
{
    static const char *const tables[] = {"mejora.progress", "road.request", "road.audit"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        sql(m, "drop trigger if exists die on %s", tables[i]);
}
