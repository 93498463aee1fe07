/* cluster - a private PostgreSQL in a directory: made on first use, kept running, stopped when its owner ends or is
 * killed.
 *
 *     DIR/lock              one owner at a time; a successor waits until the predecessor's PostgreSQL is down
 *     DIR/postgresql/       the data; its postgresql.conf is ours and written at every start
 *     DIR/postgresql.conf   yours, if you want one: it is read last
 *     DIR/postgresql.log    what PostgreSQL says (.1 is the one before)
 *     DIR/.s.PGSQL.5432     the only way in, for the owner of DIR alone
 *
 * To be called before there is any thread or open socket: it forks, and as root it becomes DIR's owner, or user
 * postgres, for good. Reasons for a failure are logged in words that say what to do. */
#pragma once

struct cluster;

int cluster_start(const char *dir, struct cluster **ret); /* 0, or -1 */
const char *cluster_conninfo(const struct cluster *c);    /* its superuser, database "mejora" */
int cluster_fd(const struct cluster *c);                  /* readable when nobody keeps PostgreSQL running any more */
void cluster_stop(struct cluster *c);                     /* waits for a fast shutdown; NULL is fine */
