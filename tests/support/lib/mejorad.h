/* mejorad - a server of a test's own: the real program, its database in a temporary directory, a port that the kernel chose.
 *
 * Whatever goes wrong here fails the running cmocka test. One thread. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct mejorad {
    char dir[32], data[64], log[64]; /* log: everything it has said, over all its lives */
    char endpoint[128], key[41];     /* key: its public CURVE key */
    const char *fault;               /* MEJORA_FAULT of the next life, or NULL */
    unsigned files;                  /* that the next life may open, or 0: as many as we may */
    const struct mejorad *other;     /* whose database it uses, or NULL: its own */
    pid_t pid;
};

/* options: more arguments, ending with NULL; or NULL. Returns when the server says that it is ready. */
void mejorad_start(struct mejorad *m, const char *const options[]); /* in a new directory */
void mejorad_beside(struct mejorad *m, const struct mejorad *other,
                    const char *const options[]);                 /* on other's database */
void mejorad_run(struct mejorad *m, const char *const options[]); /* again, on what there is */

void mejorad_kill(struct mejorad *m);   /* as a power cut would */
void mejorad_wait(struct mejorad *m);   /* until it has ended by itself */
void mejorad_stop(struct mejorad *m);   /* SIGTERM: ends well, and no sanitizer has spoken */
void mejorad_remove(struct mejorad *m); /* stops it if it runs; its directory goes unless MEJORA_TEST_KEEP is set */
int mejorad_said(const struct mejorad *m, const char *words); /* how many lines of the log have these words */
void mejorad_wait_said(const struct mejorad *m, const char *words, int times);
long mejorad_rss_kib(const struct mejorad *m);

/* The database behind its back: the superuser's connection, made on first use and again when it was lost. */
PGconn *database(const struct mejorad *m);
void database_close(void);
pid_t database_postmaster(const struct mejorad *m);
PGconn *database_connect(const struct mejorad *m, const char *user); /* the caller finishes it */
PGconn *database_try(const struct mejorad *m, const char *user);     /* the same, and PQstatus tells */
const char *sql(const struct mejorad *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* first value; "" */
long sql_long(const struct mejorad *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
