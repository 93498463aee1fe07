/* cluster_owner DIR - a server reduced to what the tests of the cluster need: owns one until its standard input ends.
 * Says "ready CONNINFO" once it answers; exits 1 if it does not come up, or is lost. */
#include "server/cluster.h"

#include <poll.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
    struct cluster *c;
    if (argc != 2 || cluster_start(argv[1], &c) != 0)
        return 1;
    printf("ready %s\n", cluster_conninfo(c));
    fflush(stdout);
    struct pollfd on[] = {{.fd = 0, .events = POLLIN}, {.fd = cluster_fd(c), .events = POLLIN}};
    while (poll(on, 2, -1) < 0)
        ;
    cluster_stop(c);
    return on[1].revents != 0;
}
