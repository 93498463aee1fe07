/* child - programs that a test runs beside itself. What goes wrong in starting one shows in its status, 127. */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its standard output goes to *ret_out, unless that is NULL. */
static inline pid_t child_start(const char *const argv[], int *ret_out)
{
    int out[2] = {-1, -1};
    if (ret_out) {
        *ret_out = -1;
        if (pipe(out))
            return -1;
    }
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves nobody behind */
        if (ret_out)
            dup2(out[1], STDOUT_FILENO);
        execvp(argv[0], (char *const *)(size_t)argv);
        _exit(127);
    }
    if (ret_out) {
        close(out[1]);
        *ret_out = out[0];
    }
    return pid;
}

static inline int child_wait(pid_t pid) /* its status; -1: it did not end by itself */
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int child_run(const char *const argv[])
{
    return child_wait(child_start(argv, NULL));
}
