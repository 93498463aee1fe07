#include "server/home.h"

#include "common/log.h"
#include "server/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORD = 16, TEXT = 2 * WORD + 1 + 20 + 1 }; /* the word in hex, a blank, the number, a newline */

/* Written in place: a file that is moved there would be taken for a copy. */
static bool put(int fd, const char *word, const char *reached)
{
    char text[TEXT + 1];
    snprintf(text, sizeof text, "%s %20s\n", word, reached);
    return pwrite(fd, text, TEXT, 0) == TEXT && !fdatasync(fd);
}

static bool make(int fd, char word[2 * WORD + 1])
{
    unsigned char random[WORD];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(word, 2 * WORD + 1, random, sizeof random);
    return put(fd, word, "0");
}

static bool mark_make(int fd, const char *word, char mark[128])
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st))
        return false;
    bool born = st.stx_mask & STATX_BTIME;
    snprintf(mark, 128, "%s.%llu.%lld.%u", word, (unsigned long long)st.stx_ino,
             born ? (long long)st.stx_btime.tv_sec : 0, born ? st.stx_btime.tv_nsec : 0);
    return true;
}

static bool claim(int fd, PGconn *pg)
{
    char word[2 * WORD + 1], reached[24], mark[128], text[TEXT + 1] = "";
    bool known = pread(fd, text, TEXT, 0) == TEXT && sscanf(text, "%32s %20[0-9]", word, reached) == 2;
    if ((!known && !make(fd, word)) || !mark_make(fd, word, mark)) {
        log_line(LOG_ERROR, "home: cannot be written: %s", strerror(errno));
        return false;
    }
    const char *values[] = {mark, known ? reached : "0"};
    PGresult *r = db_run(pg, "select held, now_at from lib.home_claim($1, $2::bigint)", 2, values);
    bool ok = r && put(fd, word, PQgetvalue(r, 0, 1));
    if (r && *PQgetvalue(r, 0, 0) == 't')
        log_line(LOG_WARNING,
                 "home: the database was restored or copied: no reminder goes out until: mejora reminder resume");
    PQclear(r);
    return ok;
}

int home_claim(const char *state, PGconn *pg)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/home", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        log_line(LOG_ERROR, "%s cannot be opened: %s", path, strerror(errno));
    bool ok = fd >= 0 && claim(fd, pg);
    if (fd >= 0)
        close(fd);
    return ok ? 0 : -1;
}
