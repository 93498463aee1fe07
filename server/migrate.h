/* migrate - brings a database to what this program needs: roles, tables, operations, catalogues.
 *
 * The files of sql/ are part of the program. sql/migrate is applied once, in order, each file in a transaction of its
 * own; sql/lib, sql/ops and sql/data are replaced together in one transaction whenever any of them has changed. What
 * was applied is in road.migration. Several servers may start on one database at once: one works, the others wait for
 * it. */
#pragma once

#include <stddef.h>

struct sql_file {
    const char *path; /* below sql/: "migrate/0001_init.sql" */
    const char *text; /* ends with NUL */
    size_t size;
};

extern const struct sql_file sql_files[]; /* by path; the last has none. Generated: cmake/embed.cmake */

int migrate(const char *conninfo);                                      /* 0, or -1 with the reason logged */
int migrate_files(const char *conninfo, const struct sql_file files[]); /* the same with other files */
