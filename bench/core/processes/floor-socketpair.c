/* SPDX-License-Identifier: MIT */
/* One forked process at the other end of a socket pair, 16 bytes each way: what a call costs the
 * kernel. No values, no errors, no second worker. */
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static double rt(long n)
{
    char bytes[16] = { 0 };
    double before = wall_ns();

    for (long i = 0; i < n; i++)
        if (write(ends[0], bytes, sizeof bytes) < 0 || read(ends[0], bytes, sizeof bytes) <= 0)
            return 0;
    return (wall_ns() - before) / n;
}

int main(int argc, char **argv)
{
    const struct bcase cases[] = { { "rt", NULL, 20000, rt }, { 0 } };
    char bytes[16];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return 1;
    if (fork() == 0) {
        close(ends[0]);
        while (read(ends[1], bytes, sizeof bytes) > 0)
            if (write(ends[1], bytes, sizeof bytes) < 0)
                break;
        _exit(0);
    }
    close(ends[1]);
    return bench_main(argc, argv, cases);
}
