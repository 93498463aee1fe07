#include "common/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_parents(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

/* The rename is on disk only when its directory is. */
static bool sync_parent(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    int fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && !fsync(fd);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool store_json(const char *path, json_t *object, size_t flags)
{
    char fresh[PATH_MAX];
    errno = ENAMETOOLONG;
    if (!object || snprintf(fresh, sizeof fresh, "%s.XXXXXX", path) >= (int)sizeof fresh)
        return false;
    int fd = make_parents(path) ? mkostemp(fresh, O_CLOEXEC) : -1; /* exclusive, mode 0600 */
    if (fd < 0)
        return false;
    bool ok = !json_dumpfd(object, fd, flags) && write(fd, "\n", 1) == 1 && !fsync(fd);
    ok = !close(fd) && ok && !rename(fresh, path) && sync_parent(path);
    int why = errno;
    if (!ok)
        unlink(fresh);
    errno = why;
    return ok;
}
