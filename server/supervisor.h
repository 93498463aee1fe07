/* supervisor - the process between us and PostgreSQL: starts it again when it dies, stops it when we are gone.
 *
 * It is forked before any thread exists and needs nobody's help afterwards: a socket pair tells it that we live, and
 * its end that PostgreSQL is to shut down, whether we asked or were killed. If it is killed itself, the kernel tells
 * PostgreSQL. Failures are logged where they happen; functions return -1. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct postgres {
    char *bindir;          /* where initdb and postgres are */
    char *data;            /* its directory */
    char *sockets;         /* directory of its socket */
    char *log;             /* what it says is appended here */
    int lock;              /* an open file that is to stay so while PostgreSQL runs */
    bool sockets_borrowed; /* the directory of the socket is to be removed in the end */
};

struct supervisor {
    pid_t pid;
    int fd;   /* readable when the process has ended */
    int life; /* its end is the order to stop */
};

int supervisor_start(const struct postgres *pg, struct supervisor *ret);
void supervisor_ready(const struct supervisor *s); /* PostgreSQL has answered: from now on it is never given up */
void supervisor_stop(struct supervisor *s);        /* waits until PostgreSQL is down */

/* Runs a program of PostgreSQL in its directory, output to the log. It gets the signal when its parent dies. */
pid_t postgres_spawn(const struct postgres *pg, const char *cwd, int on_orphaned, const char *const argv[]);
