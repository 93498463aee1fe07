#include "tests/support/lib/shell.h"

#include "common/profile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void profile_make(const struct mejorad *m, const char *endpoint, const struct keys *k, const char *path)
{
    struct profile p = {.endpoints = {(char *)(uintptr_t)endpoint}, .n_endpoints = 1};
    struct profile_error error;
    snprintf(p.server_key, sizeof p.server_key, "%s", m->key);
    snprintf(p.public_key, sizeof p.public_key, "%s", k->public);
    snprintf(p.secret_key, sizeof p.secret_key, "%s", k->secret);
    assert_true(profile_write(path, &p, &error));
}

int mejora_run(const char *fault_order, char ret[SAID], const char *const argv[])
{
    int out[2], status;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (fault_order)
            setenv("MEJORA_FAULT", fault_order, 1);
        if (dup2(out[1], 1) == 1 && dup2(null, 2) == 2)
            execv(TEST_BIN "/mejora", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(out[1]);
    FILE *said = fdopen(out[0], "r");
    *ret = '\0';
    while (fgets(ret, SAID, said))
        ;
    fclose(said);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}
